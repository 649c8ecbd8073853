//! Which dimensions a metric has, by namespace: the convention that publishers and alarms share.

use schema::names::{PlatformName, ServiceName};
use schema::signals::{
    ALB_NAMESPACE, DEPENDENCY_DIMENSION, ECS_NAMESPACE, PLATFORM_DIMENSION, SERVICE_DIMENSION,
    Series,
};

/// Dimensions of a metric, as [`MetricStore::record`](crate::MetricStore::record) takes them.
pub type DimensionPairs<'a> = Vec<(&'a str, &'a str)>;

/// Dimensions of ECS's metrics of a service: `ClusterName` is the platform, `ServiceName` the
/// service.
#[must_use]
pub fn ecs(platform: &PlatformName, service: ServiceName) -> DimensionPairs<'_> {
    vec![
        ("ClusterName", platform.as_str()),
        ("ServiceName", service.kebab()),
    ]
}

/// Dimensions of the load balancer's metrics of a service: `LoadBalancer` is the platform,
/// `TargetGroup` the service.
#[must_use]
pub fn load_balancer(platform: &PlatformName, service: ServiceName) -> DimensionPairs<'_> {
    vec![
        ("LoadBalancer", platform.as_str()),
        ("TargetGroup", service.kebab()),
    ]
}

/// Dimensions of what a service emits: `Platform`, `Service`, and `Dependency` where the metric is
/// about one.
#[must_use]
pub fn loan_platform<'a>(
    platform: &'a PlatformName,
    service: ServiceName,
    dependency: Option<&'a str>,
) -> DimensionPairs<'a> {
    let mut pairs = vec![
        (PLATFORM_DIMENSION, platform.as_str()),
        (SERVICE_DIMENSION, service.kebab()),
    ];
    pairs.extend(dependency.map(|name| (DEPENDENCY_DIMENSION, name)));
    pairs
}

/// Dimensions of a series of the signal catalogue. `service` stands in where the series names none;
/// nothing comes back when neither does.
#[must_use]
pub fn of_series<'a>(
    series: &Series,
    platform: &'a PlatformName,
    service: Option<ServiceName>,
) -> Option<DimensionPairs<'a>> {
    let service = series.service.or(service)?;
    Some(match series.namespace {
        ECS_NAMESPACE => ecs(platform, service),
        ALB_NAMESPACE => load_balancer(platform, service),
        _ => loan_platform(platform, service, series.dependency),
    })
}
