//! Alarms: what CloudWatch takes, and what the signal catalogue needs.

use std::collections::BTreeMap;

use schema::LoanPlatformSpec;
use schema::names::ServiceName;
use schema::platform::{Alarm, AlarmAction, ForceBreakerOpenClient, ScaleOut};
use schema::signals::{NAMESPACE, Signal};
use schema::units::format_millis;

use super::alarm_path;
use crate::finding::Finding;
use crate::path::FieldPath;

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;
/// Periods under a minute that CloudWatch takes for high-resolution alarms, in milliseconds.
///
/// Source: Amazon CloudWatch API Reference, `PutMetricAlarm`, parameter `Period`.
const SHORT_PERIODS_MS: [u64; 3] = [10_000, 20_000, 30_000];

/// What `judge` finds in each alarm.
fn each(
    spec: &LoanPlatformSpec,
    judge: impl Fn(&Alarm, FieldPath) -> Vec<Finding>,
) -> Vec<Finding> {
    spec.alarms
        .iter()
        .enumerate()
        .flat_map(|(index, alarm)| judge(alarm, alarm_path(index)))
        .collect()
}

/// Alarms are told apart by their names.
pub(super) fn names_are_unique(spec: &LoanPlatformSpec) -> Vec<Finding> {
    let mut first = BTreeMap::new();
    let mut findings = Vec::new();
    for (index, alarm) in spec.alarms.iter().enumerate() {
        if let Some(earlier) = first.get(&alarm.name) {
            let message = format!(
                "alarm name `{}` is taken already by {}",
                alarm.name,
                alarm_path(*earlier)
            );
            let path = alarm_path(index).key("name");
            findings.push(Finding::error(path, message).allowed("a name of its own"));
        } else {
            first.insert(&alarm.name, index);
        }
    }
    findings
}

/// An alarm is on a signal or on a metric.
pub(super) fn each_has_one_source(spec: &LoanPlatformSpec) -> Vec<Finding> {
    each(spec, |alarm, path| {
        let finding = match (&alarm.signal, &alarm.metric) {
            (Some(_), Some(_)) => Finding::error(
                path.key("metric"),
                "signal and metric exclude each other, and both are given",
            )
            .at_key(),
            (None, None) => Finding::error(path, "the alarm measures nothing")
                .help("give it a signal of the catalogue, or a metric"),
            _ => return Vec::new(),
        };
        vec![finding.allowed("either signal or metric")]
    })
}

/// A service is named exactly where the signal leaves it open, and the platform has it.
pub(super) fn services_are_named_where_needed(spec: &LoanPlatformSpec) -> Vec<Finding> {
    each(spec, |alarm, path| {
        let needed = alarm.signal.is_some_and(Signal::needs_service);
        let source = match alarm.signal {
            Some(signal) => format!("signal {signal:?}"),
            None => "a metric".to_owned(),
        };
        let mut findings = Vec::new();
        match alarm.service {
            None if needed => findings.push(
                Finding::error(path.key("service"), format!("{source} needs a service"))
                    .allowed("loanApi, auth, scoring, scoreProvider"),
            ),
            Some(_) if !needed && (alarm.signal.is_some() || alarm.metric.is_some()) => findings
                .push(
                    Finding::error(path.key("service"), format!("{source} takes no service"))
                        .at_key()
                        .help("take the line out"),
                ),
            Some(service) => findings.extend(absent(spec, &path.key("service"), service)),
            None => {}
        }
        if let Some(scale_out) = &alarm.scale_out {
            let path = path.key("scaleOut").key("service");
            findings.extend(absent(spec, &path, scale_out.service));
        }
        findings
    })
}

fn absent(spec: &LoanPlatformSpec, path: &FieldPath, service: ServiceName) -> Option<Finding> {
    if spec.services.workload(service).is_some() {
        return None;
    }
    let key = service.spec_key();
    let message = format!("this platform has no service `{key}`");
    Some(Finding::error(path.clone(), message).help(format!("add spec.services.{key}")))
}

/// Ten, twenty or thirty seconds, or whole minutes.
pub(super) fn periods_are_ones_that_cloudwatch_takes(spec: &LoanPlatformSpec) -> Vec<Finding> {
    each(spec, |alarm, path| {
        let period_ms = alarm.period.as_millis();
        if SHORT_PERIODS_MS.contains(&period_ms) || period_ms.is_multiple_of(MINUTE_MS) {
            return Vec::new();
        }
        let message = format!("CloudWatch takes no period of {}", alarm.period);
        vec![
            Finding::error(path.key("period"), message)
                .found(&alarm.period)
                .allowed("10s, 20s, 30s or whole minutes"),
        ]
    })
}

/// A period under a minute makes sense only where there is more than one datapoint a minute.
pub(super) fn short_periods_need_high_resolution(spec: &LoanPlatformSpec) -> Vec<Finding> {
    each(spec, |alarm, path| {
        let (is_high, what) = match (alarm.signal, &alarm.metric) {
            (Some(signal), _) => (
                signal.is_high_resolution(),
                format!("signal {signal:?} has"),
            ),
            (None, Some(metric)) => (
                metric.namespace == NAMESPACE,
                format!("metrics of namespace {} have", metric.namespace),
            ),
            (None, None) => return Vec::new(),
        };
        if is_high || alarm.period.as_millis() >= MINUTE_MS {
            return Vec::new();
        }
        let message = format!(
            "period {} is too short: {what} one datapoint a minute",
            alarm.period
        );
        vec![
            Finding::error(path.key("period"), message)
                .found(&alarm.period)
                .allowed("whole minutes"),
        ]
    })
}

/// No more datapoints are needed than are looked at.
pub(super) fn datapoints_fit_the_evaluation_periods(spec: &LoanPlatformSpec) -> Vec<Finding> {
    each(spec, |alarm, path| {
        let (needed, seen) = (alarm.datapoints_to_alarm(), alarm.evaluation_periods);
        if needed <= seen.get() {
            return Vec::new();
        }
        let message = format!("datapointsToAlarm {needed} is above evaluationPeriods {seen}");
        vec![
            Finding::error(path.key("datapointsToAlarm"), message)
                .found(&needed)
                .allowed(format!("at most {seen}, the evaluationPeriods")),
        ]
    })
}

/// CloudWatch looks back a day, or a week in periods of an hour and more.
///
/// Source: Amazon CloudWatch API Reference, `PutMetricAlarm`, parameter `EvaluationPeriods`.
pub(super) fn windows_are_no_longer_than_cloudwatch_allows(
    spec: &LoanPlatformSpec,
) -> Vec<Finding> {
    each(spec, |alarm, path| {
        let is_coarse = alarm.period.as_millis() >= HOUR_MS;
        let (limit_ms, limit) = if is_coarse {
            (7 * DAY_MS, "7 days")
        } else {
            (DAY_MS, "1 day with periods under an hour")
        };
        if alarm.window_ms() <= limit_ms {
            return Vec::new();
        }
        let window = format_millis(alarm.window_ms());
        let message = format!(
            "evaluationPeriods {} × period {} is {window}, and CloudWatch looks back {limit}",
            alarm.evaluation_periods, alarm.period
        );
        let most = limit_ms / alarm.period.as_millis();
        vec![
            Finding::error(path.key("evaluationPeriods"), message)
                .found(&alarm.evaluation_periods)
                .allowed(format!("at most {most} with this period")),
        ]
    })
}

/// `scaleOut` and `forceBreakerOpen` are there exactly when their action is.
pub(super) fn parameters_go_with_their_action(spec: &LoanPlatformSpec) -> Vec<Finding> {
    each(spec, |alarm, path| {
        let pairs = [
            (AlarmAction::ScaleOut, "scaleOut", alarm.scale_out.is_some()),
            (
                AlarmAction::ForceBreakerOpen,
                "forceBreakerOpen",
                alarm.force_breaker_open.is_some(),
            ),
        ];
        pairs
            .into_iter()
            .filter_map(|(action, field, given)| {
                unpaired(
                    &path,
                    action,
                    field,
                    alarm.on_alarm.contains(&action),
                    given,
                )
            })
            .chain(foreign_client(alarm, &path))
            .collect()
    })
}

fn unpaired(
    path: &FieldPath,
    action: AlarmAction,
    field: &str,
    acts: bool,
    given: bool,
) -> Option<Finding> {
    match (acts, given) {
        (true, false) => Some(
            Finding::error(
                path.key(field),
                format!("action {action:?} needs `{field}`"),
            )
            .help(format!("write {field} beside onAlarm")),
        ),
        (false, true) => Some(
            Finding::error(
                path.key(field),
                format!("`{field}` is given, but onAlarm has no {action:?}"),
            )
            .at_key()
            .help(format!("add {action:?} to onAlarm, or take {field} out")),
        ),
        _ => None,
    }
}

/// The breaker named must be the service's own.
fn foreign_client(alarm: &Alarm, path: &FieldPath) -> Option<Finding> {
    let parameters = alarm.force_breaker_open.as_ref()?;
    let owner = match parameters.client {
        ForceBreakerOpenClient::Scoring => ServiceName::LoanApi,
        ForceBreakerOpenClient::Provider => ServiceName::Scoring,
    };
    if parameters.service == owner {
        return None;
    }
    let message = format!(
        "service {} has no such client: it is {}'s",
        parameters.service.spec_key(),
        owner.spec_key()
    );
    Some(
        Finding::error(path.key("forceBreakerOpen").key("client"), message)
            .allowed("scoring with service loanApi, provider with service scoring"),
    )
}

/// An action is done once.
pub(super) fn actions_are_named_once(spec: &LoanPlatformSpec) -> Vec<Finding> {
    each(spec, |alarm, path| {
        let is_repeated = |index: usize| alarm.on_alarm[..index].contains(&alarm.on_alarm[index]);
        (0..alarm.on_alarm.len())
            .filter(|index| is_repeated(*index))
            .map(|index| {
                let message = format!("action {:?} is named twice", alarm.on_alarm[index]);
                Finding::error(path.key("onAlarm").item(index), message).allowed("each action once")
            })
            .collect()
    })
}

/// A remedy that cannot do what it is there for is worth a warning; no more, for an edit of a count in
/// an emergency must not be refused because of an alarm's parameters.
pub(super) fn remedies_can_help(spec: &LoanPlatformSpec) -> Vec<Finding> {
    each(spec, |alarm, path| {
        let scale_out = alarm.scale_out.as_ref();
        let scale_out = scale_out.and_then(|it| useless_count(spec, it, &path.key("scaleOut")));
        scale_out
            .into_iter()
            .chain(feeds_its_own_alarm(alarm, &path))
            .collect()
    })
}

/// Tasks that are there anyway, or that automatic scaling does not allow.
fn useless_count(
    spec: &LoanPlatformSpec,
    parameters: &ScaleOut,
    path: &FieldPath,
) -> Option<Finding> {
    let workload = spec.services.workload(parameters.service)?;
    let path = path.key("maxCount");
    let (most, key) = (parameters.max_count.get(), parameters.service.spec_key());
    if let Some(count) = workload.desired_count.filter(|count| count.get() >= most) {
        let message =
            format!("ScaleOut never adds a task: services.{key}.desiredCount is {count} already");
        return Some(
            Finding::warning(path, message)
                .found(&most)
                .allowed(format!("above {count}, the desiredCount")),
        );
    }
    let scaling = workload.scaling?;
    if scaling.min_capacity.get() >= most {
        let least = scaling.min_capacity;
        let message = format!(
            "ScaleOut never adds a task: services.{key}.scaling.minCapacity is {least} already"
        );
        return Some(
            Finding::warning(path, message)
                .found(&most)
                .allowed(format!("above {least}, the minCapacity")),
        );
    }
    let capacity = scaling.max_capacity;
    (most > capacity.get()).then(|| {
        let message =
            format!("ScaleOut stops at {capacity}, the maxCapacity of services.{key}.scaling");
        Finding::warning(path, message)
            .found(&most)
            .allowed(format!("at most {capacity}"))
    })
}

/// An open breaker fails every scoring call, whichever of the two clients it is.
fn feeds_its_own_alarm(alarm: &Alarm, path: &FieldPath) -> Option<Finding> {
    let parameters = alarm.force_breaker_open.as_ref()?;
    let acts = alarm.on_alarm.contains(&AlarmAction::ForceBreakerOpen);
    if !acts || foreign_client(alarm, path).is_some() {
        return None;
    }
    let is_fed = match alarm.signal? {
        Signal::ScoringFailureRatio => true,
        Signal::ProviderBreakerRejectionRatio => {
            parameters.client == ForceBreakerOpenClient::Provider
        }
        _ => false,
    };
    is_fed.then(|| {
        let message = "ForceBreakerOpen refuses calls, which this alarm measures: it fires on while \
                       the breaker is open";
        Finding::warning(path.key("forceBreakerOpen"), message)
            .at_key()
            .help("open it by an alarm on ProviderFailureRatio or LoanApiLatencyP99")
    })
}
