//! The metrics that the load balancer in AWS publishes of a target group.

use std::sync::Arc;
use std::time::Duration;

use cloudwatch_rules::{MetricStore, dimensions};
use jiff::Timestamp;
use schema::names::{PlatformName, ServiceName};
use schema::signals::ALB_NAMESPACE;

/// Publishes for one target group.
#[derive(Clone, Debug)]
pub(super) struct LoadBalancerMetrics {
    pub(super) store: Arc<MetricStore>,
    pub(super) platform: PlatformName,
    pub(super) service: ServiceName,
}

impl LoadBalancerMetrics {
    /// A request was dealt with.
    pub(super) fn request(&self) {
        self.record("RequestCount", 1.0);
    }

    /// A task answered.
    pub(super) fn target_answered(&self, status: u16, took: Duration) {
        self.record("TargetResponseTime", took.as_secs_f64());
        // AWS publishes this one only when it is not zero; a zero beside keeps a ratio computable.
        let failed = if status >= 500 { 1.0 } else { 0.0 };
        self.record("HTTPCode_Target_5XX_Count", failed);
    }

    /// The front itself answered with an error.
    pub(super) fn refused(&self) {
        self.record("HTTPCode_ELB_5XX_Count", 1.0);
    }

    /// So many tasks take requests.
    pub(super) fn healthy_hosts(&self, count: usize) {
        // A count of processes on one machine: far below where a double loses precision.
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        self.record("HealthyHostCount", f64::from(count));
    }

    fn record(&self, metric: &str, value: f64) {
        let dimensions = dimensions::load_balancer(&self.platform, self.service);
        self.store
            .record(ALB_NAMESPACE, metric, &dimensions, value, Timestamp::now());
    }
}
