//! Who emits which metric of the telemetry contract.

use schema::names::ServiceName;
use schema::signals::{
    AUTH_DEPENDENCY, Metric, NAMESPACE, PROVIDER_DEPENDENCY, SCORING_DEPENDENCY, Series,
};

/// The series that `metric` is emitted as in one platform.
pub(super) fn series(metric: Metric) -> Vec<Series> {
    let one = |(service, dependency)| Series {
        namespace: NAMESPACE,
        metric: metric.name(),
        service: Some(service),
        dependency,
    };
    emitters(metric).into_iter().map(one).collect()
}

/// Services with the dependency that the metric is about, where it is about one. Source:
/// `schema::signals::Metric`.
fn emitters(metric: Metric) -> Vec<(ServiceName, Option<&'static str>)> {
    use ServiceName::{LoanApi, Scoring};
    match metric {
        Metric::Requests
        | Metric::Errors
        | Metric::ClientErrors
        | Metric::SlowRequests
        | Metric::Latency
        | Metric::RequestBytes
        | Metric::InFlight
        | Metric::SettingsEpoch
        | Metric::SettingsSequence
        | Metric::SettingsRefused => ServiceName::ALL.map(|service| (service, None)).to_vec(),
        Metric::Calls
        | Metric::Failures
        | Metric::Attempts
        | Metric::Retries
        | Metric::Timeouts
        | Metric::BudgetExhausted
        | Metric::BreakerRejections
        | Metric::BulkheadRejections
        | Metric::BreakerState
        | Metric::CallLatency => vec![
            (LoanApi, Some(AUTH_DEPENDENCY)),
            (LoanApi, Some(SCORING_DEPENDENCY)),
            (Scoring, Some(PROVIDER_DEPENDENCY)),
        ],
        Metric::BreakerWouldReject => vec![
            (LoanApi, Some(SCORING_DEPENDENCY)),
            (Scoring, Some(PROVIDER_DEPENDENCY)),
        ],
        Metric::DatabaseLatency
        | Metric::DatabaseConnections
        | Metric::ApplicationsReceived
        | Metric::ApplicationsApproved
        | Metric::ApplicationsRejected
        | Metric::OldestReceivedAge
        | Metric::ApplicationsNeedingReview => vec![(LoanApi, None)],
    }
}
