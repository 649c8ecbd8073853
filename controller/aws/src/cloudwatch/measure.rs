//! Measures: which series of `CloudWatch` an alarm is about, and how they become its value.

use std::collections::BTreeMap;

use engine::ports::{AlarmDefinition, AlarmSource};
use schema::infrastructure::Surroundings;
use schema::names::{PlatformName, ServiceName};
use schema::platform::{MetricSource, Statistic};
use schema::signals::{
    ALB_NAMESPACE, DEPENDENCY_DIMENSION, Denominator, ECS_NAMESPACE, Expression, Metric, NAMESPACE,
    PLATFORM_DIMENSION, SERVICE_DIMENSION, Series, Signal,
};

use super::emitters;

/// A metric with its dimensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MetricId {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) dimensions: BTreeMap<String, String>,
}

/// What is measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Measure {
    /// A statistic of one metric. Its samples are the metric's.
    Single {
        /// The metric.
        metric: MetricId,
        /// The statistic.
        statistic: Statistic,
    },
    /// A statistic of several metrics as if they were one.
    Merged {
        /// The metrics, two or more.
        metrics: Vec<MetricId>,
        /// The statistic; no percentile.
        statistic: Statistic,
    },
    /// 100 × a sum over another one, or over both together. Its samples are what is divided by.
    Ratio {
        /// What is counted.
        numerator: MetricId,
        /// Of how many.
        denominator: Whole,
    },
}

/// What a ratio is a ratio of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Whole {
    /// The sum of this metric.
    All(MetricId),
    /// The numerator and this metric together.
    Rest(MetricId),
}

/// Why something cannot be measured, with what a person can do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unmeasurable {
    /// A signal of the load balancer, and none is known, or it leads to another service.
    #[error(
        "no load balancer leads to {service}, so {signal:?} has no data: measure another signal, or name a \
         load balancer in bootstrap/infrastructure.json"
    )]
    NoLoadBalancer {
        /// The signal.
        signal: Signal,
        /// The service that it is about.
        service: ServiceName,
    },
    /// A signal that needs a service, without one. Validation refuses it.
    #[error("{0:?} needs a service")]
    NoService(Signal),
    /// A percentile over several metrics.
    #[error(
        "CloudWatch makes no percentile of several metrics, and {0} is emitted with more than one set of \
         dimensions: name the dimensions"
    )]
    PercentileOfMany(String),
}

impl Measure {
    /// What `definition` measures within `surroundings`.
    pub(super) fn of(
        definition: &AlarmDefinition,
        surroundings: &Surroundings,
    ) -> Result<Self, Unmeasurable> {
        let place = Place {
            platform: &definition.platform,
            surroundings,
        };
        match &definition.source {
            AlarmSource::Metric(source) => place.named(source),
            AlarmSource::Signal { signal, service } => place.signal(*signal, *service),
        }
    }
}

/// What gives a metric its dimensions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) platform: &'a PlatformName,
    pub(super) surroundings: &'a Surroundings,
}

impl Place<'_> {
    fn signal(self, signal: Signal, service: Option<ServiceName>) -> Result<Measure, Unmeasurable> {
        let metric = |series: Series| {
            let service = series.service.or(service);
            let service = service.ok_or(Unmeasurable::NoService(signal))?;
            self.metric(&series, service)
                .ok_or(Unmeasurable::NoLoadBalancer { signal, service })
        };
        measured(signal.expression(), metric)
    }

    /// What `expression` measures of `service`. Nothing where it is about the load balancer and none leads there.
    pub(super) fn measure(self, expression: Expression, service: ServiceName) -> Option<Measure> {
        measured(expression, |series| self.metric(&series, service).ok_or(())).ok()
    }

    /// The metric that `series` of `service` is. Nothing where it is the load balancer's and none leads to the
    /// service.
    pub(super) fn metric(self, series: &Series, service: ServiceName) -> Option<MetricId> {
        let dimensions = match series.namespace {
            ECS_NAMESPACE => self.ecs(service),
            ALB_NAMESPACE => self.load_balancer(service)?,
            _ => return Some(emitted(self.platform, series, service)),
        };
        Some(identified(series, dimensions))
    }

    /// Source: Amazon ECS Developer Guide, "Amazon ECS CloudWatch metrics".
    pub(super) fn ecs(self, service: ServiceName) -> Vec<(String, String)> {
        let service_name = format!("{}-{service}", self.platform);
        vec![
            pair("ClusterName", self.surroundings.cluster_name()),
            pair("ServiceName", &service_name),
        ]
    }

    /// Source: User Guide for Application Load Balancers, "CloudWatch metrics for your Application Load
    /// Balancer". Only the loan API stands behind it.
    fn load_balancer(self, service: ServiceName) -> Option<Vec<(String, String)>> {
        let load_balancer = self.surroundings.load_balancer.as_ref();
        let load_balancer = load_balancer.filter(|_| service == ServiceName::LoanApi)?;
        Some(vec![
            pair("LoadBalancer", &load_balancer.name),
            pair("TargetGroup", &load_balancer.target_group),
        ])
    }

    /// Alarms belong to a platform, so a metric of the loan services is that platform's, said or not. Without
    /// any dimension it is everything that the platform's services emit under the name.
    fn named(self, source: &MetricSource) -> Result<Measure, Unmeasurable> {
        let statistic = source.statistic;
        let mut metrics = match contracted(source) {
            Some(metric) if source.dimensions.is_empty() => self.all_of(metric),
            _ => vec![self.exactly(source)],
        };
        if metrics.len() > 1 {
            return merged(metrics, statistic, &source.name);
        }
        let metric = metrics.pop().unwrap_or_else(|| self.exactly(source));
        Ok(Measure::Single { metric, statistic })
    }

    fn all_of(self, metric: Metric) -> Vec<MetricId> {
        let series = emitters::series(metric);
        let metrics = series
            .iter()
            .filter_map(|series| self.metric(series, series.service?));
        metrics.collect()
    }

    fn exactly(self, source: &MetricSource) -> MetricId {
        let mut dimensions = source.dimensions.clone();
        if source.namespace == NAMESPACE {
            dimensions
                .entry(PLATFORM_DIMENSION.to_owned())
                .or_insert_with(|| self.platform.to_string());
        }
        MetricId {
            namespace: source.namespace.clone(),
            name: source.name.clone(),
            dimensions,
        }
    }
}

/// What `expression` measures, whose series are the metrics that `metric` tells.
fn measured<E>(
    expression: Expression,
    metric: impl Fn(Series) -> Result<MetricId, E>,
) -> Result<Measure, E> {
    Ok(match expression {
        Expression::Single { series, statistic } => Measure::Single {
            metric: metric(series)?,
            statistic,
        },
        Expression::Ratio {
            numerator,
            denominator,
        } => Measure::Ratio {
            numerator: metric(numerator)?,
            denominator: match denominator {
                Denominator::Series(all) => Whole::All(metric(all)?),
                Denominator::NumeratorPlus(rest) => Whole::Rest(metric(rest)?),
            },
        },
    })
}

/// The metric that `series` of `service` is, which the services of `platform` emit.
pub(super) fn emitted(platform: &PlatformName, series: &Series, service: ServiceName) -> MetricId {
    let mut dimensions = vec![
        pair(PLATFORM_DIMENSION, platform.as_str()),
        pair(SERVICE_DIMENSION, service.kebab()),
    ];
    let dependency = series.dependency;
    dimensions.extend(dependency.map(|name| pair(DEPENDENCY_DIMENSION, name)));
    identified(series, dimensions)
}

fn identified(series: &Series, dimensions: Vec<(String, String)>) -> MetricId {
    MetricId {
        namespace: series.namespace.to_owned(),
        name: series.metric.to_owned(),
        dimensions: dimensions.into_iter().collect(),
    }
}

/// The metric of the telemetry contract that `source` names, if it names one.
fn contracted(source: &MetricSource) -> Option<Metric> {
    let is_named = |metric: &&Metric| metric.name() == source.name;
    let named = Metric::ALL.iter().find(is_named).copied();
    named.filter(|_| source.namespace == NAMESPACE)
}

fn merged(
    metrics: Vec<MetricId>,
    statistic: Statistic,
    name: &str,
) -> Result<Measure, Unmeasurable> {
    match statistic {
        Statistic::P50 | Statistic::P90 | Statistic::P95 | Statistic::P99 | Statistic::P999 => {
            Err(Unmeasurable::PercentileOfMany(name.to_owned()))
        }
        Statistic::Average
        | Statistic::Sum
        | Statistic::Minimum
        | Statistic::Maximum
        | Statistic::SampleCount => Ok(Measure::Merged { metrics, statistic }),
    }
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}
