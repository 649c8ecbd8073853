//! The names of calls.

use std::fmt;

/// A service of AWS, as far as tests tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// Elastic Container Service.
    Ecs,
    /// CloudWatch metrics and alarms.
    CloudWatch,
    /// Simple Storage Service.
    S3,
    /// Simple Queue Service.
    Sqs,
    /// Simple Notification Service.
    Sns,
    /// `EventBridge`.
    EventBridge,
    /// Secrets Manager.
    SecretsManager,
    /// Application Auto Scaling.
    ApplicationAutoScaling,
    /// Any other; the operation says which.
    Other,
}

impl Service {
    /// By the target header, as in `AmazonSQS.SendMessage`, or the Smithy name of the service.
    pub(crate) fn from_target(prefix: &str) -> Self {
        match prefix {
            "AmazonEC2ContainerServiceV20141113" => Self::Ecs,
            "GraniteServiceVersion20100801" => Self::CloudWatch,
            "AmazonSQS" => Self::Sqs,
            "AWSEvents" => Self::EventBridge,
            "secretsmanager" => Self::SecretsManager,
            "AnyScaleFrontendService" => Self::ApplicationAutoScaling,
            _ => Self::Other,
        }
    }

    /// By the name that requests to it are signed for.
    pub(crate) fn from_scope(scope: &str) -> Self {
        match scope {
            "ecs" => Self::Ecs,
            "monitoring" => Self::CloudWatch,
            "s3" => Self::S3,
            "sqs" => Self::Sqs,
            "sns" => Self::Sns,
            "events" => Self::EventBridge,
            "secretsmanager" => Self::SecretsManager,
            "application-autoscaling" => Self::ApplicationAutoScaling,
            _ => Self::Other,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Ecs => "ecs",
            Self::CloudWatch => "cloudwatch",
            Self::S3 => "s3",
            Self::Sqs => "sqs",
            Self::Sns => "sns",
            Self::EventBridge => "eventbridge",
            Self::SecretsManager => "secretsmanager",
            Self::ApplicationAutoScaling => "application-autoscaling",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An operation of a service, as in `ecs:UpdateService`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Api {
    /// The service.
    pub service: Service,
    /// The operation, named as AWS names it: `DescribeAlarms`, `ListObjectsV2`.
    pub operation: String,
}

impl Api {
    /// An operation of a service.
    #[must_use]
    pub fn new(service: Service, operation: impl Into<String>) -> Self {
        let operation = operation.into();
        Self { service, operation }
    }
}

impl fmt::Display for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.service, self.operation)
    }
}
