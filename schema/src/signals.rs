//! The telemetry contract: metrics that services emit, and the signals that alarms are made on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::names::ServiceName;
use crate::platform::Statistic;

/// CloudWatch namespace of everything the services emit.
pub const NAMESPACE: &str = "LoanPlatform";
/// Namespace of ECS's own metrics.
pub const ECS_NAMESPACE: &str = "AWS/ECS";
/// Namespace of the load balancer's own metrics.
pub const ALB_NAMESPACE: &str = "AWS/ApplicationELB";

/// Dimension naming the platform.
pub const PLATFORM_DIMENSION: &str = "Platform";
/// Dimension naming the emitting service: `loan-api`.
pub const SERVICE_DIMENSION: &str = "Service";
/// Dimension naming the service called: `scoring`, `auth`, `provider`.
pub const DEPENDENCY_DIMENSION: &str = "Dependency";

/// Dependency name of scoring, as seen by loan-api.
pub const SCORING_DEPENDENCY: &str = "scoring";
/// Dependency name of auth, as seen by loan-api.
pub const AUTH_DEPENDENCY: &str = "auth";
/// Dependency name of the score provider, as seen by scoring.
pub const PROVIDER_DEPENDENCY: &str = "provider";

/// A request answered later than this many milliseconds is slow: the service level objective.
pub const SLOW_REQUEST_MS: u64 = 800;

macro_rules! metrics {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        /// Metrics in [`NAMESPACE`], by the name they have in CloudWatch.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Metric { $($(#[$doc])* $name),+ }

        impl Metric {
            /// Every metric.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The name in CloudWatch.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name)),+ }
            }
        }
    };
}

metrics! {
    /// Requests answered. Count, per service.
    Requests,
    /// Requests answered with 5XX. Count, per service.
    Errors,
    /// Requests answered with 4XX. Count, per service.
    ClientErrors,
    /// Requests answered later than [`SLOW_REQUEST_MS`]. Count, per service.
    SlowRequests,
    /// Time to answer a request. Milliseconds, distribution, per service.
    Latency,
    /// Size of request bodies. Bytes, distribution, per service.
    RequestBytes,
    /// Requests being answered. Gauge, per service: its saturation.
    InFlight,
    /// Term of the controller that wrote the settings in force. Gauge, per service.
    SettingsEpoch,
    /// Sequence of the settings in force. Gauge, per service.
    SettingsSequence,
    /// 1 while the newest settings are refused, or there are none, and older ones are in force. Gauge, per service.
    SettingsRefused,
    /// Time of a database statement. Milliseconds, distribution, loan-api.
    DatabaseLatency,
    /// Database connections in use. Gauge, loan-api.
    DatabaseConnections,
    /// Calls to a dependency, retries not counted. Count, per dependency.
    Calls,
    /// Calls that brought no answer in time, refusals by breaker and bulkhead included. Count, per
    /// dependency.
    Failures,
    /// Attempts sent to a dependency. Count, per dependency.
    Attempts,
    /// Attempts after the first. Count, per dependency.
    Retries,
    /// Attempts that ran into their timeout. Count, per dependency.
    Timeouts,
    /// Retries not made because the budget was used up. Count, per dependency.
    BudgetExhausted,
    /// Calls refused by the breaker. Count, per dependency.
    BreakerRejections,
    /// Attempts that a breaker would have refused that only measures. Count, per dependency.
    BreakerWouldReject,
    /// Calls refused by the bulkhead. Count, per dependency.
    BulkheadRejections,
    /// 0 closed, 1 half open, 2 open. Gauge, per dependency.
    BreakerState,
    /// Time of a call, all its attempts together. Milliseconds, distribution, per dependency.
    CallLatency,
    /// Applications stored. Count, loan-api.
    ApplicationsReceived,
    /// Applications approved. Count, loan-api.
    ApplicationsApproved,
    /// Applications rejected. Count, loan-api.
    ApplicationsRejected,
    /// Age of the oldest application without a decision that is still tried. Seconds, gauge, loan-api.
    OldestReceivedAge,
    /// Applications without a decision that are left to people. Gauge, loan-api.
    ApplicationsNeedingReview,
}

/// The catalogue of signals that alarms can be made on without naming metrics.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[schemars(inline)]
pub enum Signal {
    /// Percent of the loan API's scoring calls, one per application, that brought no score in time,
    /// breaker and bulkhead refusals included.
    ScoringFailureRatio,
    /// Percent of the loan API's answers that are 5XX.
    LoanApiErrorRatio,
    /// Percent of the loan API's answers that take longer than 800 ms.
    LoanApiSlowRatio,
    /// 99th percentile of the loan API's time to answer, in milliseconds.
    LoanApiLatencyP99,
    /// Percent of decided applications that are approved: a jump betrays a scoring regression.
    ApprovalRatio,
    /// Age of the oldest application without a decision, in seconds.
    OldestReceivedAge,
    /// Percent of scoring's calls to the provider that brought no score in time.
    ProviderFailureRatio,
    /// Retries per hundred calls to the provider.
    ProviderRetryRatio,
    /// Percent of scoring's calls to the provider that its breaker refused.
    ProviderBreakerRejectionRatio,
    /// Average CPU use of a service's tasks, percent of what they reserve. Needs `service`.
    CpuUtilization,
    /// Average memory use of a service's tasks, percent of what they reserve. Needs `service`.
    MemoryUtilization,
    /// 99th percentile of the load balancer's time to an answer, in seconds. Needs `service`.
    TargetResponseTimeP99,
    /// Percent of answers behind the load balancer that are 5XX. Needs `service`.
    TargetErrorRatio,
    /// Targets that the load balancer finds healthy. Needs `service`.
    HealthyHostCount,
}

/// How a signal is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expression {
    /// 100 × the sum of one series over the sum of another; no value while the second is zero. Its
    /// samples are the second sum.
    Ratio {
        /// What is counted.
        numerator: Series,
        /// Of how many.
        denominator: Denominator,
    },
    /// A statistic of one series. Its samples are the series' samples.
    Single {
        /// The series.
        series: Series,
        /// The statistic.
        statistic: Statistic,
    },
}

/// What a ratio is a ratio of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denominator {
    /// The sum of a series.
    Series(Series),
    /// The numerator and another series together.
    NumeratorPlus(Series),
}

/// A metric of one service, or of one service's dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Series {
    /// CloudWatch namespace.
    pub namespace: &'static str,
    /// Metric name.
    pub metric: &'static str,
    /// The service, or that which the alarm names.
    pub service: Option<ServiceName>,
    /// The dependency called, for the per-dependency metrics.
    pub dependency: Option<&'static str>,
}

impl Signal {
    /// Every signal.
    pub const ALL: [Self; 14] = [
        Self::ScoringFailureRatio,
        Self::LoanApiErrorRatio,
        Self::LoanApiSlowRatio,
        Self::LoanApiLatencyP99,
        Self::ApprovalRatio,
        Self::OldestReceivedAge,
        Self::ProviderFailureRatio,
        Self::ProviderRetryRatio,
        Self::ProviderBreakerRejectionRatio,
        Self::CpuUtilization,
        Self::MemoryUtilization,
        Self::TargetResponseTimeP99,
        Self::TargetErrorRatio,
        Self::HealthyHostCount,
    ];

    /// Whether the alarm must name a service.
    #[must_use]
    pub const fn needs_service(self) -> bool {
        matches!(
            self,
            Self::CpuUtilization
                | Self::MemoryUtilization
                | Self::TargetResponseTimeP99
                | Self::TargetErrorRatio
                | Self::HealthyHostCount
        )
    }

    /// Whether its metrics have a resolution of one second, so that periods under 60 s make sense.
    #[must_use]
    pub const fn is_high_resolution(self) -> bool {
        !self.needs_service()
    }

    /// Whether calls that a breaker or bulkhead refuses show in it. Refusing everything makes latency, load
    /// and the provider's own errors look better than ever; only these tell that nobody is served.
    #[must_use]
    pub const fn shows_refusals(self) -> bool {
        matches!(
            self,
            Self::ScoringFailureRatio
                | Self::ProviderFailureRatio
                | Self::ProviderBreakerRejectionRatio
                | Self::ApprovalRatio
                | Self::OldestReceivedAge
        )
    }

    /// Unit of its values, as shown to people.
    #[must_use]
    pub const fn unit(self) -> &'static str {
        match self {
            Self::LoanApiLatencyP99 => "ms",
            Self::OldestReceivedAge | Self::TargetResponseTimeP99 => "s",
            Self::HealthyHostCount => "",
            _ => "%",
        }
    }

    /// How it is computed.
    #[must_use]
    pub const fn expression(self) -> Expression {
        use Metric as M;
        use ServiceName::{LoanApi, Scoring};
        match self {
            Self::ScoringFailureRatio => ratio(
                call(LoanApi, SCORING_DEPENDENCY, M::Failures),
                call(LoanApi, SCORING_DEPENDENCY, M::Calls),
            ),
            Self::LoanApiErrorRatio => ratio(own(LoanApi, M::Errors), own(LoanApi, M::Requests)),
            Self::LoanApiSlowRatio => {
                ratio(own(LoanApi, M::SlowRequests), own(LoanApi, M::Requests))
            }
            Self::LoanApiLatencyP99 => single(own(LoanApi, M::Latency), Statistic::P99),
            Self::ApprovalRatio => Expression::Ratio {
                numerator: own(LoanApi, M::ApplicationsApproved),
                denominator: Denominator::NumeratorPlus(own(LoanApi, M::ApplicationsRejected)),
            },
            Self::OldestReceivedAge => {
                single(own(LoanApi, M::OldestReceivedAge), Statistic::Maximum)
            }
            Self::ProviderFailureRatio => ratio(
                call(Scoring, PROVIDER_DEPENDENCY, M::Failures),
                call(Scoring, PROVIDER_DEPENDENCY, M::Calls),
            ),
            Self::ProviderRetryRatio => ratio(
                call(Scoring, PROVIDER_DEPENDENCY, M::Retries),
                call(Scoring, PROVIDER_DEPENDENCY, M::Calls),
            ),
            Self::ProviderBreakerRejectionRatio => ratio(
                call(Scoring, PROVIDER_DEPENDENCY, M::BreakerRejections),
                call(Scoring, PROVIDER_DEPENDENCY, M::Calls),
            ),
            Self::CpuUtilization => {
                single(aws(ECS_NAMESPACE, "CPUUtilization"), Statistic::Average)
            }
            Self::MemoryUtilization => {
                single(aws(ECS_NAMESPACE, "MemoryUtilization"), Statistic::Average)
            }
            Self::TargetResponseTimeP99 => {
                single(aws(ALB_NAMESPACE, "TargetResponseTime"), Statistic::P99)
            }
            Self::TargetErrorRatio => ratio(
                aws(ALB_NAMESPACE, "HTTPCode_Target_5XX_Count"),
                aws(ALB_NAMESPACE, "RequestCount"),
            ),
            Self::HealthyHostCount => {
                single(aws(ALB_NAMESPACE, "HealthyHostCount"), Statistic::Minimum)
            }
        }
    }
}

pub(crate) const fn own(service: ServiceName, metric: Metric) -> Series {
    Series {
        namespace: NAMESPACE,
        metric: metric.name(),
        service: Some(service),
        dependency: None,
    }
}

const fn call(service: ServiceName, dependency: &'static str, metric: Metric) -> Series {
    Series {
        namespace: NAMESPACE,
        metric: metric.name(),
        service: Some(service),
        dependency: Some(dependency),
    }
}

pub(crate) const fn aws(namespace: &'static str, metric: &'static str) -> Series {
    Series {
        namespace,
        metric,
        service: None,
        dependency: None,
    }
}

pub(crate) const fn ratio(numerator: Series, denominator: Series) -> Expression {
    Expression::Ratio {
        numerator,
        denominator: Denominator::Series(denominator),
    }
}

pub(crate) const fn single(series: Series, statistic: Statistic) -> Expression {
    Expression::Single { series, statistic }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_that_name_no_service_themselves_need_one_from_the_alarm() {
        for signal in Signal::ALL {
            let (Expression::Ratio {
                numerator: series, ..
            }
            | Expression::Single { series, .. }) = signal.expression();
            assert_eq!(
                series.service.is_none(),
                signal.needs_service(),
                "{signal:?}"
            );
        }
    }
}
