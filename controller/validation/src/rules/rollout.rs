//! Rollout of scoring changes: a bake must be long enough for its alarms to speak.

use schema::LoanPlatformSpec;
use schema::platform::{Alarm, AlarmName, OnFiringAlarm};
use schema::signals::Signal;
use schema::units::format_millis;

use super::ROLLOUT;
use crate::finding::Finding;
use crate::path::FieldPath;

/// Two polls of the controller, ten seconds each, in milliseconds.
const TWO_POLLS_MS: u64 = 20_000;

fn field(name: &str) -> FieldPath {
    FieldPath::from(ROLLOUT).key(name)
}

/// How long a bake must be for `alarm` to fire in it, in milliseconds.
fn needed_ms(alarm: &&Alarm) -> u64 {
    alarm.window_ms() + alarm.ingestion_ms() + TWO_POLLS_MS
}

/// What [`needed_ms`] is made of.
fn parts(alarm: &Alarm) -> String {
    format!(
        "{} window of alarm {} ({} × {}) + {} ingestion + {} for two polls",
        format_millis(alarm.window_ms()),
        alarm.name,
        alarm.evaluation_periods,
        alarm.period,
        format_millis(alarm.ingestion_ms()),
        format_millis(TWO_POLLS_MS),
    )
}

/// A bake that ends before its slowest alarm can fire passes everything.
pub(super) fn the_bake_covers_every_gating_alarm(spec: &LoanPlatformSpec) -> Vec<Finding> {
    let bake = spec.rollout.bake_time;
    let Some(slowest) = spec.gating_alarms().into_iter().max_by_key(needed_ms) else {
        return vec![unguarded(spec)];
    };
    if bake.as_millis() >= needed_ms(&slowest) {
        return Vec::new();
    }
    let total = format_millis(needed_ms(&slowest));
    let message = format!(
        "bakeTime {bake} is too short: it must be at least {total} = {}",
        parts(slowest)
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

/// A change that rejects everything lowers latency, load and errors of the provider: where only such
/// signals judge, it passes.
pub(super) fn a_gating_alarm_sees_refusals(spec: &LoanPlatformSpec) -> Vec<Finding> {
    let gating = spec.gating_alarms();
    // A metric by name may be anything.
    let sees_them = |alarm: &&Alarm| alarm.signal.is_none_or(Signal::shows_refusals);
    if gating.is_empty() || gating.iter().any(sees_them) {
        return Vec::new();
    }
    let message = "no alarm that judges scoring changes sees calls that a breaker refuses: a change that \
                   rejects everything would pass";
    vec![
        Finding::warning(super::ALARMS.into(), message)
            .at_key()
            .help("let an alarm on ScoringFailureRatio or OldestReceivedAge judge too"),
    ]
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
