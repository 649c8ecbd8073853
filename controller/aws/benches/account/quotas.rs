//! The quotas, enforced.

use std::collections::BTreeMap;

use aws_adapter::quota::{Family, Limit};
use tokio::time::Instant;

/// The quota that an operation is on.
pub(super) fn family(operation: &str) -> Family {
    match operation {
        "CreateService" | "UpdateService" | "DeleteService" => Family::ServiceModify,
        "DescribeServices" => Family::ServiceRead,
        "RegisterTaskDefinition" => Family::TaskDefinitionModify,
        "DescribeTaskDefinition" => Family::TaskDefinitionRead,
        "TagResource" => Family::TagModify,
        "PutMetricAlarm" => Family::PutMetricAlarm,
        "DeleteAlarms" => Family::DeleteAlarms,
        "DescribeAlarms" | "DescribeAlarms (listing)" => Family::DescribeAlarms,
        "DescribeAlarmHistory" => Family::DescribeAlarmHistory,
        "GetMetricData" => Family::GetMetricData,
        "ListDashboards" => Family::Dashboards,
        _ => Family::Scaling,
    }
}

/// The quotas of the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quotas {
    /// As every account has them.
    Documented,
    /// So high that nobody ever waits.
    Lifted,
}

impl Quotas {
    pub(crate) const fn of(self, family: Family) -> Limit {
        match self {
            Self::Documented => family.documented(),
            Self::Lifted => Limit {
                burst: 1e6,
                per_second: 1e6,
            },
        }
    }
}

/// A token bucket for each quota.
#[derive(Debug)]
pub(super) struct Buckets(BTreeMap<Family, Bucket>);

#[derive(Debug)]
struct Bucket {
    limit: Limit,
    tokens: f64,
    at: Instant,
}

impl Buckets {
    pub(super) fn full(quotas: Quotas) -> Self {
        let full = |family: Family| {
            let limit = quotas.of(family);
            let bucket = Bucket {
                limit,
                tokens: limit.burst,
                at: Instant::now(),
            };
            (family, bucket)
        };
        Self(Family::ALL.map(full).into_iter().collect())
    }

    /// Whether there is room for a call.
    pub(super) fn take(&mut self, family: Family) -> bool {
        self.0.get_mut(&family).is_none_or(Bucket::take)
    }
}

impl Bucket {
    fn take(&mut self) -> bool {
        let gained = self.at.elapsed().as_secs_f64() * self.limit.per_second;
        self.tokens = (self.tokens + gained).min(self.limit.burst);
        self.at = Instant::now();
        let is_enough = self.tokens >= 1.0;
        if is_enough {
            self.tokens -= 1.0;
        }
        is_enough
    }
}
