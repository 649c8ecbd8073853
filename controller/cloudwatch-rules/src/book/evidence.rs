//! Evidence: what was seen of a platform while a change baked.

use std::collections::BTreeMap;

use engine::ports::BakeEvidence;
use jiff::Timestamp;
use schema::names::{PlatformName, ServiceName};
use schema::signals::{Metric, NAMESPACE, SCORING_DEPENDENCY, Series};

use super::alarm::Alarm;
use crate::formula::{catalogued, whole};
use crate::period::timestamp;
use crate::store::View;

/// The loan API's scoring calls.
const SCORING_CALLS: Series = Series {
    namespace: NAMESPACE,
    metric: Metric::Calls.name(),
    service: Some(ServiceName::LoanApi),
    dependency: Some(SCORING_DEPENDENCY),
};

/// What was seen of `platform` from `since_ms` on, and what `alarms` have judged of it.
///
/// Nothing from before `since_ms` is counted: a bucket or period that it falls into is left out.
pub(super) fn collect<'a>(
    view: &View<'_>,
    platform: &PlatformName,
    alarms: impl Iterator<Item = &'a Alarm>,
    since_ms: i64,
) -> BakeEvidence {
    let calls = catalogued(&SCORING_CALLS, platform, None)
        .map_or(0.0, |series| view.since(&series, since_ms).sum);
    let mut judged_datapoints = BTreeMap::new();
    let mut breaching_datapoints = BTreeMap::new();
    for alarm in alarms {
        let name = &alarm.record().definition.name;
        let (judged, breaching) = alarm.judged_since(since_ms);
        judged_datapoints.insert(name.clone(), judged);
        breaching_datapoints.insert(name.clone(), breaching);
    }
    BakeEvidence {
        scoring_calls: whole(calls),
        judged_datapoints,
        breaching_datapoints,
        last_report: last_reports(view, platform),
    }
}

/// When each service last said which settings it has, which it does whether there is traffic or not.
fn last_reports(view: &View<'_>, platform: &PlatformName) -> BTreeMap<ServiceName, Timestamp> {
    let last_report = |service| {
        let reports = Series {
            namespace: NAMESPACE,
            metric: Metric::SettingsSequence.name(),
            service: Some(service),
            dependency: None,
        };
        let newest_ms = view.newest_ms(&catalogued(&reports, platform, None)?)?;
        Some((service, timestamp(newest_ms)))
    };
    ServiceName::ALL
        .into_iter()
        .filter_map(last_report)
        .collect()
}
