//! One platform on one screen, and all of them in a table.

use std::sync::Arc;

use engine::board::PlatformObject;
use jiff::Timestamp;
use schema::LoanPlatformStatus;
use schema::status::{AlarmStatus, RemedyStatus, ScoringStatus, ServiceStatus};

use super::columns::{align, row};
use super::history::headline;

/// History entries shown with a platform.
const RECENT: usize = 5;
/// Where the values of alarms stand.
const VALUE_COLUMN: usize = 2;

/// All platforms, a row each.
pub(crate) fn table(platforms: &[Arc<PlatformObject>], now: Timestamp) -> String {
    if platforms.is_empty() {
        return "No platforms yet: put a spec file into the specs directory.".to_owned();
    }
    let mut rows = vec![row(["NAME", "READY", "PHASE", "REVISION", "REASON", "AGE"])];
    for platform in platforms {
        let ready = condition(&platform.status, "Ready");
        let scoring = &platform.status.scoring;
        let live = scoring
            .live_revision
            .as_ref()
            .map_or("-", |live| live.short());
        rows.push(vec![
            name(platform).to_owned(),
            ready
                .map_or("Unknown", |ready| ready.status.as_str())
                .to_owned(),
            format!("{:?}", scoring.phase),
            live.to_owned(),
            ready.map_or("-", |ready| ready.reason.as_str()).to_owned(),
            platform
                .metadata
                .creation_timestamp
                .as_ref()
                .map_or_else(|| "-".to_owned(), |at| age(at.0, now)),
        ]);
    }
    align(&rows)
}

/// One platform: how it stands, its services, its rollout, its alarms and their remedies, and what
/// happened last.
pub(crate) fn platform(platform: &PlatformObject, now: Timestamp) -> String {
    let status = &platform.status;
    let mut parts = vec![head(platform)];
    parts.push(services(&status.services));
    parts.push(scoring(&status.scoring));
    if !status.alarms.is_empty() {
        parts.push(alarms(&status.alarms, now));
    }
    if !status.remedies.is_empty() {
        parts.push(remedies(&status.remedies));
    }
    let recent = status.history.iter().rev().take(RECENT).collect::<Vec<_>>();
    if !recent.is_empty() {
        let lines = recent
            .into_iter()
            .rev()
            .map(|entry| headline(entry))
            .collect::<Vec<_>>();
        parts.push(format!("RECENTLY\n{}", lines.join("\n")));
    }
    parts.join("\n\n")
}

fn head(platform: &PlatformObject) -> String {
    let status = &platform.status;
    let mut rows = vec![vec!["Platform".to_owned(), name(platform).to_owned()]];
    let generation = platform.metadata.generation.unwrap_or_default();
    let in_force = match status.last_good_generation {
        Some(good) if good == generation => format!("{generation}"),
        Some(good) => format!("{generation} (refused; {good} is in force)"),
        None => format!("{generation} (refused; none is in force)"),
    };
    rows.push(vec!["Generation".to_owned(), in_force]);
    if let Some(endpoint) = &status.endpoint {
        rows.push(vec!["Loan API".to_owned(), endpoint.clone()]);
    }
    let mut text = align(&rows);
    for condition in &status.conditions {
        let indented = condition.message.replace('\n', "\n    ");
        let (type_, status, reason) = (&condition.type_, &condition.status, &condition.reason);
        text.push_str(&format!("\n{type_}={status} {reason}\n    {indented}"));
    }
    text
}

fn services(services: &[ServiceStatus]) -> String {
    let mut rows = vec![row(["SERVICE", "READY", "IMAGE", "SETTINGS", "RESTARTS"])];
    for service in services {
        let desired = service
            .desired
            .map_or_else(|| "-".to_owned(), |desired| desired.to_string());
        rows.push(vec![
            service.name.clone(),
            format!("{}/{desired}", service.running),
            service.image.clone(),
            service
                .settings_revision
                .clone()
                .unwrap_or_else(|| "-".to_owned()),
            service.restarts.to_string(),
        ]);
    }
    align(&rows)
}

fn scoring(scoring: &ScoringStatus) -> String {
    let revision = |digest: &Option<schema::revision::RevisionDigest>| {
        digest
            .as_ref()
            .map_or_else(|| "-".to_owned(), |digest| digest.short().to_owned())
    };
    let mut rows = vec![
        vec!["SCORING".to_owned(), format!("{:?}", scoring.phase)],
        vec!["live".to_owned(), revision(&scoring.live_revision)],
        vec![
            "last good".to_owned(),
            revision(&scoring.last_good_revision),
        ],
    ];
    if scoring.candidate_revision.is_some() {
        rows.push(vec![
            "candidate".to_owned(),
            revision(&scoring.candidate_revision),
        ]);
    }
    if let Some(bake) = &scoring.bake {
        rows.push(vec!["bakes until".to_owned(), format!("{:.0}", bake.until)]);
    }
    if let Some(waiting_on) = &scoring.waiting_on {
        rows.push(vec!["waiting on".to_owned(), waiting_on.clone()]);
    }
    for entry in &scoring.quarantined {
        let verdict = if entry.convicted {
            "quarantined"
        } else {
            "held"
        };
        rows.push(vec![
            verdict.to_owned(),
            format!("{} {}", entry.revision.short(), entry.reason),
        ]);
    }
    align(&rows)
}

fn alarms(alarms: &[AlarmStatus], now: Timestamp) -> String {
    // Values move all the time, so they are not saved: only the controller's own port has them.
    let has_values = alarms.iter().any(|alarm| alarm.value.is_some());
    let mut rows = vec![row(["ALARM", "STATE", "VALUE", "THRESHOLD", "SINCE"])];
    for alarm in alarms {
        let state = serde_json::to_value(alarm.state).unwrap_or_default();
        rows.push(vec![
            alarm.name.to_string(),
            state.as_str().unwrap_or_default().to_owned(),
            alarm
                .value
                .map_or_else(|| "-".to_owned(), |value| format!("{value:.2}")),
            alarm.threshold.to_string(),
            age(alarm.since, now),
        ]);
    }
    if !has_values {
        for row in &mut rows {
            row.remove(VALUE_COLUMN);
        }
    }
    align(&rows)
}

fn remedies(remedies: &[RemedyStatus]) -> String {
    let mut rows = vec![row(["REMEDY", "ALARM", "SINCE", "UNTIL"])];
    for remedy in remedies {
        rows.push(vec![
            remedy.action.clone(),
            remedy.alarm.to_string(),
            format!("{:.0}", remedy.since),
            format!("{:.0}", remedy.until),
        ]);
    }
    align(&rows)
}

fn name(platform: &PlatformObject) -> &str {
    platform.metadata.name.as_deref().unwrap_or("-")
}

fn condition<'a>(
    status: &'a LoanPlatformStatus,
    type_: &str,
) -> Option<&'a k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition> {
    status
        .conditions
        .iter()
        .find(|condition| condition.type_ == type_)
}

/// How long ago, in the largest unit that fits, as kubectl has it.
fn age(since: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(since).as_secs().max(0);
    match seconds {
        0..=119 => format!("{seconds}s"),
        120..=7_199 => format!("{}m", seconds / 60),
        7_200..=172_799 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remedies_are_shown_with_their_end() {
        let remedy = RemedyStatus {
            alarm: schema::platform::AlarmName("loan-api-cpu".to_owned()),
            action: "loan-api has 3 tasks at least".to_owned(),
            since: Timestamp::UNIX_EPOCH,
            until: Timestamp::from_second(120).unwrap(),
        };
        assert_eq!(
            remedies(&[remedy]),
            "REMEDY                         ALARM         SINCE                 UNTIL\n\
             loan-api has 3 tasks at least  loan-api-cpu  1970-01-01T00:00:00Z  1970-01-01T00:02:00Z"
        );
    }

    #[test]
    fn ages_are_told_in_the_largest_unit_that_fits() {
        let start = Timestamp::UNIX_EPOCH;
        for (seconds, text) in [
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (7_200, "2h"),
            (259_200, "3d"),
        ] {
            assert_eq!(age(start, Timestamp::from_second(seconds).unwrap()), text);
        }
    }
}
