//! Automatic scaling in Application Auto Scaling's words: a range for a service's count, and a policy that holds
//! its average CPU utilisation.

use std::collections::BTreeMap;

use aws_sdk_applicationautoscaling::operation::put_scaling_policy::builders::PutScalingPolicyInputBuilder;
use aws_sdk_applicationautoscaling::operation::register_scalable_target::builders::RegisterScalableTargetInputBuilder;
use aws_sdk_applicationautoscaling::types::{
    MetricType, PolicyType, PredefinedMetricSpecification, ScalableDimension, ScalableTarget,
    ScalingPolicy, ServiceNamespace, TargetTrackingScalingPolicyConfiguration,
};
use aws_smithy_types::error::operation::BuildError;
use schema::platform::{DesiredCount, Scaling};
use schema::units::Whole;

use super::names;

/// Shortest time between two steps up, in seconds: a new task serves within a minute.
const SCALE_OUT_COOLDOWN_S: i32 = 60;
/// Shortest time between two steps down, in seconds: Application Auto Scaling's own default.
const SCALE_IN_COOLDOWN_S: i32 = 300;

/// The range of `scaling` for the service that is called `resource_id`.
pub(crate) fn target(resource_id: &str, scaling: Scaling) -> RegisterScalableTargetInputBuilder {
    RegisterScalableTargetInputBuilder::default()
        .service_namespace(ServiceNamespace::Ecs)
        .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
        .resource_id(resource_id)
        .min_capacity(in_ecs(scaling.min_capacity))
        .max_capacity(in_ecs(scaling.max_capacity))
}

/// The policy of `scaling` for the service that is called `resource_id`.
///
/// # Errors
/// Never: everything that is asked for is there.
pub(crate) fn policy(
    resource_id: &str,
    scaling: Scaling,
) -> Result<PutScalingPolicyInputBuilder, BuildError> {
    let metric = PredefinedMetricSpecification::builder()
        .predefined_metric_type(MetricType::EcsServiceAverageCpuUtilization)
        .build()?;
    let tracking = TargetTrackingScalingPolicyConfiguration::builder()
        .target_value(f64::from(scaling.target_cpu_utilization.get()))
        .predefined_metric_specification(metric)
        .scale_out_cooldown(SCALE_OUT_COOLDOWN_S)
        .scale_in_cooldown(SCALE_IN_COOLDOWN_S)
        .build()?;
    Ok(PutScalingPolicyInputBuilder::default()
        .policy_name(names::policy_name(name_of(resource_id)))
        .service_namespace(ServiceNamespace::Ecs)
        .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
        .resource_id(resource_id)
        .policy_type(PolicyType::TargetTrackingScaling)
        .target_tracking_scaling_policy_configuration(tracking))
}

/// The scaling that `targets` and `policies` amount to, by resource id. A range without the policy of ours that
/// belongs to it is none: writing it again makes it whole.
pub(crate) fn found(
    targets: &[ScalableTarget],
    policies: &[ScalingPolicy],
) -> BTreeMap<String, Scaling> {
    let policies: BTreeMap<&str, Whole<1, 100>> = policies.iter().filter_map(utilization).collect();
    let scaling = |target: &ScalableTarget| {
        let scaling = Scaling {
            min_capacity: count(target.min_capacity)?,
            max_capacity: count(target.max_capacity)?,
            target_cpu_utilization: *policies.get(target.resource_id())?,
        };
        Some((target.resource_id.clone(), scaling))
    };
    targets.iter().filter_map(scaling).collect()
}

/// Whether the service that is called `resource_id` is a platform's.
pub(crate) fn is_ours(resource_id: &str) -> bool {
    names::parts_of(name_of(resource_id)).is_some()
}

/// Resource id and utilisation of a policy of ours.
fn utilization(policy: &ScalingPolicy) -> Option<(&str, Whole<1, 100>)> {
    let id = policy.resource_id();
    let tracking = policy.target_tracking_scaling_policy_configuration()?;
    let metric = tracking.predefined_metric_specification()?;
    let is_ours = policy.policy_name() == names::policy_name(name_of(id))
        && *metric.predefined_metric_type() == MetricType::EcsServiceAverageCpuUtilization;
    let matches = |percent: &u32| (f64::from(*percent) - tracking.target_value()).abs() < 0.005;
    let percent = (1..=100_u32).find(matches).filter(|_| is_ours)?;
    Some((id, percent.try_into().ok()?))
}

fn name_of(resource_id: &str) -> &str {
    resource_id.rsplit('/').next().unwrap_or(resource_id)
}

fn count(capacity: i32) -> Option<DesiredCount> {
    u32::try_from(capacity).ok()?.try_into().ok()
}

fn in_ecs(count: DesiredCount) -> i32 {
    i32::try_from(count.get()).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use aws_smithy_types::DateTime;

    use super::*;

    const ID: &str = "service/loans/dev-scoring";

    fn scaling() -> Scaling {
        Scaling {
            min_capacity: Whole::new(2),
            max_capacity: Whole::new(6),
            target_cpu_utilization: Whole::new(60),
        }
    }

    /// What is told once `scaling` is registered.
    fn registered(scaling: Scaling) -> ScalableTarget {
        let input = target(ID, scaling).build().unwrap();
        ScalableTarget::builder()
            .set_service_namespace(input.service_namespace)
            .set_scalable_dimension(input.scalable_dimension)
            .set_resource_id(input.resource_id)
            .set_min_capacity(input.min_capacity)
            .set_max_capacity(input.max_capacity)
            .role_arn("arn:role")
            .creation_time(DateTime::from_secs(0))
            .build()
            .unwrap()
    }

    fn written(scaling: Scaling, name: &str) -> ScalingPolicy {
        let input = policy(ID, scaling).unwrap().build().unwrap();
        ScalingPolicy::builder()
            .policy_arn("arn:policy")
            .policy_name(name)
            .set_service_namespace(input.service_namespace)
            .set_scalable_dimension(input.scalable_dimension)
            .set_resource_id(input.resource_id)
            .set_policy_type(input.policy_type)
            .set_target_tracking_scaling_policy_configuration(
                input.target_tracking_scaling_policy_configuration,
            )
            .creation_time(DateTime::from_secs(0))
            .build()
            .unwrap()
    }

    #[test]
    fn scaling_is_read_back_as_it_was_written() {
        let policy = written(scaling(), "dev-scoring-cpu");
        let found = found(&[registered(scaling())], &[policy]);
        assert_eq!(found, BTreeMap::from([(ID.to_owned(), scaling())]));
    }

    #[test]
    fn a_range_without_our_policy_is_no_scaling() {
        let of_others = written(scaling(), "by-hand");
        for policies in [vec![], vec![of_others]] {
            assert!(found(&[registered(scaling())], &policies).is_empty());
        }
    }

    #[test]
    fn a_utilisation_that_a_spec_cannot_say_is_no_scaling_of_ours() {
        let mut policy = written(scaling(), "dev-scoring-cpu");
        let tracking = policy.target_tracking_scaling_policy_configuration.as_mut();
        tracking.unwrap().target_value = 62.5;
        assert!(found(&[registered(scaling())], &[policy]).is_empty());
    }

    #[test]
    fn services_of_platforms_are_told_from_others() {
        assert!(is_ours(ID));
        assert!(!is_ours("service/loans/web"));
    }
}
