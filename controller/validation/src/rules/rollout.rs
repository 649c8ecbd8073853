//! Rollout of scoring changes: a bake must be long enough for its alarms to speak.

use schema::LoanPlatformSpec;
use schema::platform::{Alarm, AlarmName, OnFiringAlarm};
use schema::units::format_millis;

use super::ROLLOUT;
use crate::finding::Finding;
use crate::path::FieldPath;

/// Until a high-resolution metric can be seen, in milliseconds.
const FAST_INGESTION_MS: u64 = 15_000;
/// Until any other metric can be seen, in milliseconds.
const SLOW_INGESTION_MS: u64 = 120_000;
/// Alarms with a shorter period, in milliseconds, are on high-resolution metrics.
const HIGH_RESOLUTION_BELOW_MS: u64 = 60_000;
/// Two polls of the controller, ten seconds each, in milliseconds.
const TWO_POLLS_MS: u64 = 20_000;

fn field(name: &str) -> FieldPath {
    FieldPath::from(ROLLOUT).key(name)
}

/// How long a bake must be for `alarm` to fire in it, and what that is made of.
struct Needed<'a> {
    alarm: &'a Alarm,
    ingestion_ms: u64,
}

impl<'a> Needed<'a> {
    fn by(alarm: &'a Alarm) -> Self {
        let is_fast = alarm.period.as_millis() < HIGH_RESOLUTION_BELOW_MS;
        let ingestion_ms = if is_fast {
            FAST_INGESTION_MS
        } else {
            SLOW_INGESTION_MS
        };
        Self {
            alarm,
            ingestion_ms,
        }
    }

    fn total_ms(&self) -> u64 {
        self.alarm.window_ms() + self.ingestion_ms + TWO_POLLS_MS
    }

    fn parts(&self) -> String {
        format!(
            "{} window of alarm {} ({} × {}) + {} ingestion + {} for two polls",
            format_millis(self.alarm.window_ms()),
            self.alarm.name,
            self.alarm.evaluation_periods,
            self.alarm.period,
            format_millis(self.ingestion_ms),
            format_millis(TWO_POLLS_MS),
        )
    }
}

/// A bake that ends before its slowest alarm can fire passes everything.
pub(super) fn the_bake_covers_every_gating_alarm(spec: &LoanPlatformSpec) -> Vec<Finding> {
    let bake = spec.rollout.bake_time;
    let needs = spec.gating_alarms().into_iter().map(Needed::by);
    let Some(needed) = needs.max_by_key(Needed::total_ms) else {
        return vec![unguarded(spec)];
    };
    if bake.as_millis() >= needed.total_ms() {
        return Vec::new();
    }
    let total = format_millis(needed.total_ms());
    let message = format!(
        "bakeTime {bake} is too short: it must be at least {total} = {}",
        needed.parts()
    );
    vec![
        Finding::error(field("bakeTime"), message)
            .found(&bake)
            .allowed(format!("at least {total}")),
    ]
}

fn unguarded(spec: &LoanPlatformSpec) -> Finding {
    let path = if spec.rollout.rollback_alarms.is_some() {
        field("rollbackAlarms")
    } else {
        super::ALARMS.into()
    };
    Finding::warning(
        path,
        "no alarm guards scoring changes: none can be taken back by itself",
    )
    .at_key()
    .help("give an alarm the action RollbackScoring, or name it in rollout.rollbackAlarms")
}

/// What is named is there.
pub(super) fn named_alarms_exist(spec: &LoanPlatformSpec) -> Vec<Finding> {
    let rollout = &spec.rollout;
    let rollback = rollout.rollback_alarms.as_deref().unwrap_or_default();
    let lists = [
        ("rollbackAlarms", rollback),
        (
            "acknowledgeFiringAlarms",
            &rollout.acknowledge_firing_alarms,
        ),
    ];
    lists
        .into_iter()
        .flat_map(|(name, list)| absent_alarms(spec, &field(name), list))
        .collect()
}

fn absent_alarms(spec: &LoanPlatformSpec, path: &FieldPath, list: &[AlarmName]) -> Vec<Finding> {
    let is_there = |name: &AlarmName| spec.alarms.iter().any(|alarm| alarm.name == *name);
    let names: Vec<&str> = spec
        .alarms
        .iter()
        .map(|alarm| alarm.name.0.as_str())
        .collect();
    let mut findings = Vec::new();
    for (index, name) in list.iter().enumerate().filter(|(_, name)| !is_there(name)) {
        let finding = Finding::error(path.item(index), format!("there is no alarm `{name}`"))
            .allowed(names.join(", "));
        findings.push(
            match crate::suggest::nearest(&name.0, names.iter().copied()) {
                Some(near) => finding.help(format!("did you mean `{near}`?")),
                None => finding,
            },
        );
    }
    findings
}

/// `maxBakeTime`, `acknowledgeFiringAlarms` and `approve` make sense with the rest.
pub(super) fn its_own_fields_agree(spec: &LoanPlatformSpec) -> Vec<Finding> {
    let rollout = &spec.rollout;
    let mut findings = Vec::new();
    let (bake, longest) = (rollout.bake_time, rollout.max_bake_time);
    if longest.as_millis() < bake.as_millis() {
        let message = format!("maxBakeTime {longest} is shorter than bakeTime {bake}");
        findings.push(
            Finding::error(field("maxBakeTime"), message)
                .found(&longest)
                .allowed(format!("at least {bake}, the bakeTime")),
        );
    }
    let ignores = rollout.on_firing_alarm == OnFiringAlarm::Ignore;
    if !ignores && !rollout.acknowledge_firing_alarms.is_empty() {
        let message = "acknowledgeFiringAlarms does nothing while onFiringAlarm is Block";
        findings.push(
            Finding::warning(field("acknowledgeFiringAlarms"), message)
                .at_key()
                .help("set onFiringAlarm: Ignore, or take the list out"),
        );
    }
    if !is_digest(&rollout.approve) {
        let message = "approve is no revision's digest";
        findings.push(
            Finding::error(field("approve"), message)
                .found(&rollout.approve)
                .allowed("nothing, or 12 to 64 hex digits as `loanctl status` shows them"),
        );
    }
    findings
}

fn is_digest(approve: &str) -> bool {
    let is_hex = approve
        .bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    approve.is_empty() || (is_hex && (12..=64).contains(&approve.len()))
}
