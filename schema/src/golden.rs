//! The golden signals of a service: how much it is asked, how much of that fails, how long it takes, how full it is.

use serde::{Deserialize, Serialize};

use crate::names::ServiceName;
use crate::platform::Statistic;
use crate::signals::{ECS_NAMESPACE, Expression, Metric, Series, aws, own, ratio, single};

/// What people look at first of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum GoldenSignal {
    /// Requests answered a second.
    Requests,
    /// Percent of the answers that are 5XX.
    ErrorRatio,
    /// Time that half of the answers do not exceed, in milliseconds.
    LatencyP50,
    /// Time that all but one in a hundred answers do not exceed, in milliseconds.
    LatencyP99,
    /// Requests being answered at once.
    InFlight,
    /// Average CPU use of its tasks, percent of what they reserve.
    Cpu,
}

impl GoldenSignal {
    /// Every one, in the order in which they are shown.
    pub const ALL: [Self; 6] = [
        Self::Requests,
        Self::ErrorRatio,
        Self::LatencyP50,
        Self::LatencyP99,
        Self::InFlight,
        Self::Cpu,
    ];

    /// Unit of its values, as shown to people.
    #[must_use]
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Requests => "/s",
            Self::ErrorRatio | Self::Cpu => "%",
            Self::LatencyP50 | Self::LatencyP99 => "ms",
            Self::InFlight => "",
        }
    }

    /// Whether its expression counts over a period what is shown by the second.
    #[must_use]
    pub const fn is_rate(self) -> bool {
        matches!(self, Self::Requests)
    }

    /// How it is computed for `service`.
    #[must_use]
    pub const fn expression(self, service: ServiceName) -> Expression {
        match self {
            Self::Requests => single(own(service, Metric::Requests), Statistic::Sum),
            Self::ErrorRatio => ratio(own(service, Metric::Errors), own(service, Metric::Requests)),
            Self::LatencyP50 => single(own(service, Metric::Latency), Statistic::P50),
            Self::LatencyP99 => single(own(service, Metric::Latency), Statistic::P99),
            Self::InFlight => single(own(service, Metric::InFlight), Statistic::Maximum),
            Self::Cpu => single(
                Series {
                    service: Some(service),
                    ..aws(ECS_NAMESPACE, "CPUUtilization")
                },
                Statistic::Average,
            ),
        }
    }
}
