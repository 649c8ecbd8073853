//! `DescribeAlarmHistory`, which moto does not do: the moves that were made through this port.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarmHistory.html>

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

/// Moves kept of one alarm: as many as one answer holds.
const KEPT: usize = 100;

/// Moves by the names of alarms, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Histories(Mutex<BTreeMap<String, Vec<Value>>>);

impl Histories {
    /// An alarm was set to a state, as `asked` says.
    pub(crate) fn note(&self, asked: &Value) {
        let name = asked["AlarmName"].as_str().unwrap_or_default();
        let data = asked["StateReasonData"].as_str().unwrap_or_default();
        let update = json!({
            "version": "1.0",
            "type": "Update",
            "newState": {
                "stateValue": asked["StateValue"],
                "stateReason": asked["StateReason"],
                "stateReasonData": serde_json::from_str::<Value>(data).unwrap_or(Value::Null),
            },
        });
        let item = json!({
            "AlarmName": name,
            "AlarmType": "MetricAlarm",
            "Timestamp": now(),
            "HistoryItemType": "StateUpdate",
            "HistorySummary": format!("Alarm updated to {}", asked["StateValue"]),
            "HistoryData": update.to_string(),
        });
        let mut all = self.all();
        let moves = all.entry(name.to_owned()).or_default();
        moves.push(item);
        let surplus = moves.len().saturating_sub(KEPT);
        moves.drain(..surplus);
    }

    /// What `asked` asks for, newest first. There are no further pages.
    pub(super) fn answer(&self, asked: &Value) -> Value {
        let name = asked["AlarmName"].as_str().unwrap_or_default();
        let from = asked["StartDate"].as_f64().unwrap_or_default();
        let all = self.all();
        let moves = all.get(name).into_iter().flatten().rev();
        let items: Vec<&Value> = moves
            .filter(|item| item["Timestamp"].as_f64().is_some_and(|at| at >= from))
            .collect();
        json!({ "AlarmHistoryItems": items })
    }

    pub(super) fn forget(&self) {
        self.all().clear();
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Vec<Value>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs_f64()
}
