//! API families that share a quota.

use std::fmt;

/// API calls that share one quota of the account.
///
/// ECS: "Request throttling for the Amazon ECS API" in the API reference. CloudWatch: "Amazon CloudWatch
/// endpoints and quotas" in the AWS General Reference. Application Auto Scaling publishes none per API;
/// what is here is what it has been seen to bear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// `CreateService`, `UpdateService`, `DeleteService`.
    ServiceModify,
    /// `DescribeServices`, `ListServices`.
    ServiceRead,
    /// `RegisterTaskDefinition`.
    TaskDefinitionModify,
    /// `DescribeTaskDefinition`.
    TaskDefinitionRead,
    /// `ListTasks`, `DescribeTasks`.
    TaskRead,
    /// `TagResource`.
    TagModify,
    /// `DescribeScalableTargets`, `RegisterScalableTarget`, `PutScalingPolicy` and their like.
    Scaling,
    /// `PutMetricAlarm`.
    PutMetricAlarm,
    /// `DeleteAlarms`.
    DeleteAlarms,
    /// `DescribeAlarms`. ECS's own rollback reads alarms on the same quota.
    DescribeAlarms,
    /// `DescribeAlarmHistory`.
    DescribeAlarmHistory,
    /// `GetMetricData`.
    GetMetricData,
    /// `ListDashboards`, `GetDashboard`, `PutDashboard`, `DeleteDashboards`.
    Dashboards,
}

/// A token bucket: so many calls at once, and so many a second after that.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    /// Calls at once, after a pause.
    pub burst: f64,
    /// Calls a second in the long run.
    pub per_second: f64,
}

impl Family {
    /// Every family.
    pub const ALL: [Self; 13] = [
        Self::ServiceModify,
        Self::ServiceRead,
        Self::TaskDefinitionModify,
        Self::TaskDefinitionRead,
        Self::TaskRead,
        Self::TagModify,
        Self::Scaling,
        Self::PutMetricAlarm,
        Self::DeleteAlarms,
        Self::DescribeAlarms,
        Self::DescribeAlarmHistory,
        Self::GetMetricData,
        Self::Dashboards,
    ];

    /// The documented limit of an account in one region, unless it was raised. CloudWatch states rates
    /// alone: a second's worth may come at once.
    #[must_use]
    pub const fn documented(self) -> Limit {
        match self {
            Self::ServiceModify => limit(50.0, 5.0),
            Self::ServiceRead | Self::TaskRead => limit(100.0, 20.0),
            Self::TaskDefinitionModify => limit(20.0, 1.0),
            Self::TaskDefinitionRead => limit(50.0, 20.0),
            Self::TagModify => limit(20.0, 10.0),
            Self::Scaling | Self::Dashboards => limit(10.0, 10.0),
            Self::PutMetricAlarm | Self::DeleteAlarms => limit(3.0, 3.0),
            Self::DescribeAlarms => limit(9.0, 9.0),
            Self::DescribeAlarmHistory => limit(20.0, 20.0),
            Self::GetMetricData => limit(500.0, 500.0),
        }
    }

    /// The names of all of them, for people.
    pub(super) fn list() -> String {
        Self::ALL.map(Self::name).join(", ")
    }

    /// Its name in metrics and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ServiceModify => "ServiceModify",
            Self::ServiceRead => "ServiceRead",
            Self::TaskDefinitionModify => "TaskDefinitionModify",
            Self::TaskDefinitionRead => "TaskDefinitionRead",
            Self::TaskRead => "TaskRead",
            Self::TagModify => "TagModify",
            Self::Scaling => "Scaling",
            Self::PutMetricAlarm => "PutMetricAlarm",
            Self::DeleteAlarms => "DeleteAlarms",
            Self::DescribeAlarms => "DescribeAlarms",
            Self::DescribeAlarmHistory => "DescribeAlarmHistory",
            Self::GetMetricData => "GetMetricData",
            Self::Dashboards => "Dashboards",
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

const fn limit(burst: f64, per_second: f64) -> Limit {
    Limit { burst, per_second }
}
