//! Evidence: what was seen of a platform while a change baked.

use std::collections::BTreeMap;

use engine::ports::{AlarmDefinition, BakeEvidence};
use jiff::Timestamp;
use schema::names::{PlatformName, ServiceName};
use schema::signals::{Metric, NAMESPACE, SCORING_DEPENDENCY, Series};

use crate::formula::{Formula, catalogued, whole};
use crate::period::{Period, timestamp};
use crate::store::View;

/// The loan API's scoring calls.
const SCORING_CALLS: Series = Series {
    namespace: NAMESPACE,
    metric: Metric::Calls.name(),
    service: Some(ServiceName::LoanApi),
    dependency: Some(SCORING_DEPENDENCY),
};

/// What was seen of `platform` from `since_ms` on. Datapoints are counted up to `until_ms`.
///
/// Nothing from before `since_ms` is counted: a bucket or period that it falls into is left out.
pub(super) fn collect<'a>(
    view: &View<'_>,
    platform: &PlatformName,
    definitions: impl Iterator<Item = &'a AlarmDefinition>,
    since_ms: i64,
    until_ms: i64,
) -> BakeEvidence {
    let calls = catalogued(&SCORING_CALLS, platform, None)
        .map_or(0.0, |series| view.since(&series, since_ms).sum);
    let count = |definition: &AlarmDefinition| {
        let judged = judged_datapoints(view, definition, since_ms, until_ms);
        (definition.name.clone(), judged)
    };
    BakeEvidence {
        scoring_calls: whole(calls),
        judged_datapoints: definitions.map(count).collect(),
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

/// Datapoints that met the alarm's own sample guard, of the periods that began at `since_ms` or after
/// and have ended by `until_ms`.
fn judged_datapoints(
    view: &View<'_>,
    definition: &AlarmDefinition,
    since_ms: i64,
    until_ms: i64,
) -> u32 {
    let Some(formula) = Formula::of(definition) else {
        return 0;
    };
    let period = Period::from_millis(definition.period_ms);
    let kept_ms = until_ms.saturating_sub(view.retention_ms());
    let periods = period.first_from(since_ms.max(kept_ms))..period.index_of(until_ms);
    let judged = formula
        .datapoints(view, period, periods)
        .iter()
        .filter(|it| it.guarded(definition.min_samples).is_some())
        .count();
    u32::try_from(judged).unwrap_or(u32::MAX)
}
