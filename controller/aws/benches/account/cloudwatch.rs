//! CloudWatch: alarms that rest unless they are set off, and metrics of services under a steady load.

use std::collections::BTreeMap;
use std::time::Duration;

use ciborium::Value as Cbor;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::objects::Settings;
use super::wire::{Reply, encoded, map, member, text, time, timestamp, whole};

/// Alarms in an answer.
const PAGE: usize = 100;
/// How long a new alarm takes to its first judgement.
const FIRST_JUDGEMENT: Duration = Duration::from_secs(30);
/// Requests in a period, and calls.
const LOAD: f64 = 100.0;
/// Value with which an alarm fires.
const BREACHING: f64 = 63.5;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct CloudWatch {
    alarms: BTreeMap<String, Alarm>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Alarm {
    /// Members of its description that were written, as CBOR, one after another.
    written: Vec<u8>,
    members: u8,
    configured_at: Timestamp,
    moves: Vec<Move>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Move {
    at: Timestamp,
    to: String,
}

/// The platform that was changed, if any was.
type Changed = Option<String>;

impl CloudWatch {
    pub(super) fn alarms(&self) -> usize {
        self.alarms.len()
    }

    pub(super) fn answer(
        &mut self,
        operation: &str,
        body: &[u8],
        settings: &Settings,
        now: Timestamp,
    ) -> (Reply, Changed) {
        let body: Cbor = ciborium::from_reader(body).unwrap();
        let name = || text(&body, "AlarmName").unwrap_or_default().to_owned();
        match operation {
            "DescribeAlarms" => (Ok(self.by_name(&body, now)), None),
            "DescribeAlarms (listing)" => (Ok(self.page(&body, now)), None),
            "DescribeAlarmHistory" => (Ok(self.history(&name(), &body)), None),
            "GetMetricData" => (Ok(metric_data(&body, settings)), None),
            "PutMetricAlarm" => {
                self.put(&name(), body.clone(), now);
                (Ok(encoded(&map(Vec::new()))), platform_of(&name()))
            }
            // Nobody has any.
            "ListDashboards" => (Ok(encoded(&map(Vec::new()))), None),
            other => panic!("CloudWatch is not asked for {other} here"),
        }
    }

    pub(super) fn come_into(&mut self, state: &str, platform: &str, name: &str, now: Timestamp) {
        let alarm = self
            .alarms
            .get_mut(&format!("LoanPlatform/{platform}/{name}"));
        alarm.unwrap().moves.push(Move {
            at: now,
            to: state.to_owned(),
        });
    }

    fn by_name(&self, body: &Cbor, now: Timestamp) -> Vec<u8> {
        let names = member(body, "AlarmNames").and_then(Cbor::as_array).unwrap();
        assert!(
            names.len() <= PAGE,
            "CloudWatch takes a hundred names a call"
        );
        let found = names.iter().filter_map(|name| {
            let name = name.as_text()?;
            Some(self.alarms.get(name)?.told(name, now))
        });
        described(found.collect(), None)
    }

    fn page(&self, body: &Cbor, now: Timestamp) -> Vec<u8> {
        let from = text(body, "NextToken").and_then(|it| it.parse().ok());
        let from: usize = from.unwrap_or_default();
        let alarms = self.alarms.iter().skip(from).take(PAGE);
        let next = (from + PAGE < self.alarms.len()).then_some(from + PAGE);
        described(
            alarms.map(|(name, alarm)| alarm.told(name, now)).collect(),
            next,
        )
    }

    fn history(&self, name: &str, body: &Cbor) -> Vec<u8> {
        let since = timestamp(body, "StartDate").unwrap();
        let moves = self.alarms.get(name).map(|alarm| alarm.moves.as_slice());
        let newest_first = moves.unwrap_or_default().iter().rev();
        let items = newest_first.filter(|it| it.at >= since).map(|it| {
            let data = json!({"version": "1.0", "newState": {"stateValue": it.to}});
            map(vec![
                ("AlarmName", name.into()),
                ("Timestamp", time(it.at)),
                ("HistoryItemType", "StateUpdate".into()),
                ("HistoryData", data.to_string().into()),
            ])
        });
        encoded(&map(vec![(
            "AlarmHistoryItems",
            Cbor::Array(items.collect()),
        )]))
    }

    fn put(&mut self, name: &str, body: Cbor, now: Timestamp) {
        let members = body.into_map().unwrap_or_default();
        let is_told = |(member, _): &(Cbor, Cbor)| member.as_text() != Some("Tags");
        let members: Vec<_> = members.into_iter().filter(is_told).collect();
        let (mut written, count) = (Vec::new(), members.len());
        for (member, value) in members {
            written.extend(encoded(&member));
            written.extend(encoded(&value));
        }
        let before = self.alarms.remove(name).map(|alarm| alarm.moves);
        let first = |after, to: &str| Move {
            at: now + after,
            to: to.to_owned(),
        };
        let moves = || {
            let unknown = first(Duration::ZERO, "INSUFFICIENT_DATA");
            vec![unknown, first(FIRST_JUDGEMENT, "OK")]
        };
        let alarm = Alarm {
            written,
            members: count.try_into().unwrap(),
            configured_at: now,
            moves: before.unwrap_or_else(moves),
        };
        self.alarms.insert(name.to_owned(), alarm);
    }
}

impl Alarm {
    /// Its description, as CBOR.
    fn told(&self, name: &str, now: Timestamp) -> Vec<u8> {
        let newest = self.moves.iter().rev().find(|it| it.at <= now);
        let (at, state) = newest.map_or((now, "INSUFFICIENT_DATA"), |it| (it.at, it.to.as_str()));
        let arn = format!("arn:aws:cloudwatch:eu-west-1:123456789012:alarm:{name}");
        let value = if state == "ALARM" { BREACHING } else { 0.0 };
        let members = [
            ("AlarmArn", arn.into()),
            (
                "AlarmConfigurationUpdatedTimestamp",
                time(self.configured_at),
            ),
            ("StateValue", state.into()),
            ("StateReason", "Threshold Crossed".into()),
            ("StateReasonData", reason(at, value).into()),
            ("StateUpdatedTimestamp", time(at)),
            ("StateTransitionedTimestamp", time(at)),
        ];
        let mut told = head(0xA0, usize::from(self.members) + members.len());
        told.extend_from_slice(&self.written);
        for (member, value) in members {
            told.extend(encoded(&member.into()));
            told.extend(encoded(&value));
        }
        told
    }
}

fn described(alarms: Vec<Vec<u8>>, next: Option<usize>) -> Vec<u8> {
    let mut body = head(0xA0, 1 + usize::from(next.is_some()));
    if let Some(next) = next {
        body.extend(encoded(&"NextToken".into()));
        body.extend(encoded(&next.to_string().into()));
    }
    body.extend(encoded(&"MetricAlarms".into()));
    body.extend(head(0x80, alarms.len()));
    body.extend(alarms.into_iter().flatten());
    body
}

/// What a map (`0xA0`) or an array (`0x80`) of `count` begins with. Source: RFC 8949, 3.1.
fn head(kind: u8, count: usize) -> Vec<u8> {
    match u8::try_from(count) {
        Ok(count) if count < 24 => vec![kind | count],
        Ok(count) => vec![kind | 24, count],
        Err(_) => panic!("{count} members do not fit"),
    }
}

/// Two datapoints of ten seconds on which an alarm came into its state.
fn reason(at: Timestamp, value: f64) -> String {
    let form = |at: Timestamp| at.strftime("%Y-%m-%dT%H:%M:%S.000+0000").to_string();
    let point = |before_s| {
        let start = at - Duration::from_secs(before_s);
        json!({"timestamp": form(start), "value": value, "sampleCount": LOAD})
    };
    json!({
        "version": "1.0", "queryDate": form(at), "period": 10, "recentDatapoints": [value, value],
        "evaluatedDatapoints": [point(20), point(10)],
    })
    .to_string()
}

fn metric_data(body: &Cbor, settings: &Settings) -> Vec<u8> {
    let start = timestamp(body, "StartTime").unwrap();
    let end = timestamp(body, "EndTime").unwrap();
    let queries = member(body, "MetricDataQueries").and_then(Cbor::as_array);
    let results = queries.into_iter().flatten();
    let results = results.map(|query| result(query, start, end, settings));
    encoded(&map(vec![(
        "MetricDataResults",
        Cbor::Array(results.collect()),
    )]))
}

fn result(query: &Cbor, start: Timestamp, end: Timestamp, settings: &Settings) -> Cbor {
    let stat = member(query, "MetricStat").unwrap();
    let metric = member(stat, "Metric").unwrap();
    let period = Duration::from_secs(whole(stat, "Period").unwrap().try_into().unwrap());
    let (mut times, mut values, mut at) = (Vec::new(), Vec::new(), start);
    while at + period <= end {
        if let Some(value) = value(metric, text(stat, "Stat").unwrap_or_default(), at, settings) {
            times.push(time(at));
            values.push(Cbor::Float(value));
        }
        at += period;
    }
    times.reverse();
    values.reverse();
    map(vec![
        ("Id", text(query, "Id").unwrap_or_default().into()),
        ("Timestamps", Cbor::Array(times)),
        ("Values", Cbor::Array(values)),
        ("StatusCode", "Complete".into()),
    ])
}

/// The value of a metric in the period that begins `at`.
fn value(metric: &Cbor, statistic: &str, at: Timestamp, settings: &Settings) -> Option<f64> {
    let name = text(metric, "MetricName")?;
    let order = |of: fn((u64, u64)) -> u64| {
        let platform = dimension(metric, "Platform")?;
        let order = settings.reported(platform, dimension(metric, "Service")?, at)?;
        u32::try_from(of(order)).ok().map(f64::from)
    };
    match (name, statistic) {
        (_, "SampleCount") | ("Calls" | "Requests" | "RequestCount", _) => Some(LOAD),
        ("SettingsEpoch", _) => order(|(epoch, _)| epoch),
        ("SettingsSequence", _) => order(|(_, sequence)| sequence),
        _ => Some(0.0),
    }
}

fn dimension<'a>(metric: &'a Cbor, name: &str) -> Option<&'a str> {
    let mut dimensions = member(metric, "Dimensions")?.as_array()?.iter();
    let found = dimensions.find(|it| text(it, "Name") == Some(name))?;
    text(found, "Value")
}

fn platform_of(alarm: &str) -> Changed {
    alarm.split('/').nth(1).map(str::to_owned)
}
