//! Graphs: what a dashboard shows.

use std::collections::BTreeMap;

use schema::names::ServiceName;
use schema::platform::Statistic;
use schema::signals::{ALB_NAMESPACE, ECS_NAMESPACE, Metric, Series};

use super::super::emitters;
use super::super::measure::{MetricId, Place};

/// Graphs that belong together.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) title: &'static str,
    pub(super) graphs: Vec<Graph>,
}

/// Lines in one frame.
#[derive(Debug)]
pub(super) struct Graph {
    pub(super) title: &'static str,
    pub(super) lines: Vec<Line>,
}

/// A statistic of a metric.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) metric: MetricId,
    pub(super) statistic: Statistic,
    pub(super) label: String,
}

/// Everything that a dashboard shows, from the clients down.
pub(super) fn sections(place: Place<'_>) -> Vec<Section> {
    let section = |title, graphs| Section { title, graphs };
    vec![
        section("Business", emitted(place, &BUSINESS)),
        section("Services", emitted(place, &GOLDEN)),
        section("Calls between services", emitted(place, &CALLS)),
        section("Tasks", tasks(place)),
        section("Load balancer", load_balancer(place)),
        section("Database", database(place)),
        section("Network", network(place)),
        section("API gateway", api_gateway(place)),
    ]
}

/// A graph of metrics that services emit.
type Emitted = (&'static str, &'static [(Metric, Statistic)]);

const BUSINESS: [Emitted; 2] = [
    (
        "Applications",
        &[
            (Metric::ApplicationsReceived, Statistic::Sum),
            (Metric::ApplicationsApproved, Statistic::Sum),
            (Metric::ApplicationsRejected, Statistic::Sum),
        ],
    ),
    (
        "Oldest undecided application, s",
        &[(Metric::OldestReceivedAge, Statistic::Maximum)],
    ),
];

const GOLDEN: [Emitted; 9] = [
    ("Requests", &[(Metric::Requests, Statistic::Sum)]),
    ("Errors (5XX)", &[(Metric::Errors, Statistic::Sum)]),
    (
        "Client errors (4XX)",
        &[(Metric::ClientErrors, Statistic::Sum)],
    ),
    ("Latency p99, ms", &[(Metric::Latency, Statistic::P99)]),
    ("Latency p50, ms", &[(Metric::Latency, Statistic::P50)]),
    ("Slow requests", &[(Metric::SlowRequests, Statistic::Sum)]),
    (
        "Requests in flight",
        &[(Metric::InFlight, Statistic::Maximum)],
    ),
    (
        "Database connections in use",
        &[(Metric::DatabaseConnections, Statistic::Maximum)],
    ),
    (
        "Database statements p99, ms",
        &[(Metric::DatabaseLatency, Statistic::P99)],
    ),
];

const CALLS: [Emitted; 9] = [
    ("Calls", &[(Metric::Calls, Statistic::Sum)]),
    ("Failures", &[(Metric::Failures, Statistic::Sum)]),
    (
        "Call latency p99, ms",
        &[(Metric::CallLatency, Statistic::P99)],
    ),
    ("Attempts", &[(Metric::Attempts, Statistic::Sum)]),
    ("Retries", &[(Metric::Retries, Statistic::Sum)]),
    ("Timeouts", &[(Metric::Timeouts, Statistic::Sum)]),
    (
        "Breaker: 0 closed, 1 half open, 2 open",
        &[(Metric::BreakerState, Statistic::Maximum)],
    ),
    (
        "Refused by breaker and bulkhead",
        &[
            (Metric::BreakerRejections, Statistic::Sum),
            (Metric::BulkheadRejections, Statistic::Sum),
        ],
    ),
    (
        "Retries not made: budget used up",
        &[(Metric::BudgetExhausted, Statistic::Sum)],
    ),
];

fn emitted(place: Place<'_>, graphs: &[Emitted]) -> Vec<Graph> {
    let graph = |(title, metrics): &Emitted| {
        let is_one = metrics.len() == 1;
        let lines = metrics
            .iter()
            .flat_map(|(metric, statistic)| emitters(place, *metric, *statistic, is_one));
        Graph {
            title,
            lines: lines.collect(),
        }
    };
    graphs.iter().map(graph).collect()
}

/// A line for everyone who emits `metric`. Where the graph `is_of_one` metric, its name goes without saying.
fn emitters(place: Place<'_>, metric: Metric, statistic: Statistic, is_of_one: bool) -> Vec<Line> {
    let line = |series: Series| {
        let service = series.service?;
        let emitter = match series.dependency {
            Some(dependency) => format!("{service} to {dependency}"),
            None => service.to_string(),
        };
        let label = if is_of_one {
            emitter
        } else {
            format!("{} {emitter}", series.metric)
        };
        Some(Line {
            metric: place.metric(&series, service)?,
            statistic,
            label,
        })
    };
    let series = emitters::series(metric).into_iter();
    series.filter_map(line).collect()
}

/// ECS's own metrics, and the task counts of Container Insights.
fn tasks(place: Place<'_>) -> Vec<Graph> {
    let per_service = |title, namespace: &str, names: &[&str], statistic| {
        let line = |service: ServiceName, name: &str| Line {
            metric: MetricId {
                namespace: namespace.to_owned(),
                name: name.to_owned(),
                dimensions: place.ecs(service).into_iter().collect(),
            },
            statistic,
            label: if names.len() == 1 {
                service.to_string()
            } else {
                format!("{name} {service}")
            },
        };
        let of_service = |service| names.iter().map(move |name| line(service, name));
        Graph {
            title,
            lines: ServiceName::ALL.into_iter().flat_map(of_service).collect(),
        }
    };
    let average = Statistic::Average;
    let counts = ["DesiredTaskCount", "RunningTaskCount"];
    vec![
        per_service("CPU, %", ECS_NAMESPACE, &["CPUUtilization"], average),
        per_service("Memory, %", ECS_NAMESPACE, &["MemoryUtilization"], average),
        per_service("Tasks", "ECS/ContainerInsights", &counts, average),
    ]
}

fn load_balancer(place: Place<'_>) -> Vec<Graph> {
    let Some(load_balancer) = &place.surroundings.load_balancer else {
        return Vec::new();
    };
    let whole = one("LoadBalancer", &load_balancer.name);
    let mut target = whole.clone();
    target.extend(one("TargetGroup", &load_balancer.target_group));
    let of_target = Source(ALB_NAMESPACE, target);
    let of_whole = Source(ALB_NAMESPACE, whole);
    let sum = Statistic::Sum;
    let seconds = "TargetResponseTime";
    vec![
        graph("Requests", vec![of_target.line("RequestCount", sum)]),
        graph(
            "Time to an answer, s",
            vec![
                of_target.line(seconds, Statistic::P50),
                of_target.line(seconds, Statistic::P99),
            ],
        ),
        graph(
            "Answers with 5XX",
            vec![
                of_whole.line("HTTPCode_ELB_5XX_Count", sum),
                of_target.line("HTTPCode_Target_5XX_Count", sum),
            ],
        ),
        graph(
            "Answers with 2XX",
            vec![of_target.line("HTTPCode_Target_2XX_Count", sum)],
        ),
        graph(
            "Targets",
            vec![
                of_target.line("HealthyHostCount", Statistic::Minimum),
                of_target.line("UnHealthyHostCount", Statistic::Maximum),
            ],
        ),
    ]
}

/// Source: Amazon Aurora User Guide, "Amazon CloudWatch metrics for Amazon Aurora".
fn database(place: Place<'_>) -> Vec<Graph> {
    let Some(cluster) = &place.surroundings.dashboard.database_cluster else {
        return Vec::new();
    };
    let cluster = Source("AWS/RDS", one("DBClusterIdentifier", cluster));
    let average = |names: &[&str]| {
        let line = |name: &&str| cluster.line(name, Statistic::Average);
        names.iter().map(line).collect::<Vec<_>>()
    };
    vec![
        graph("CPU, %", average(&["CPUUtilization"])),
        graph("Connections", average(&["DatabaseConnections"])),
        graph("Freeable memory, bytes", average(&["FreeableMemory"])),
        graph("Operations a second", average(&["ReadIOPS", "WriteIOPS"])),
        graph("Latencies, s", average(&["ReadLatency", "WriteLatency"])),
        graph("Commit latency, ms", average(&["CommitLatency"])),
        graph("Queue depth", average(&["DiskQueueDepth"])),
    ]
}

fn network(place: Place<'_>) -> Vec<Graph> {
    let gateways = &place.surroundings.dashboard.nat_gateways;
    if gateways.is_empty() {
        return Vec::new();
    }
    let both = |gateway: &String| {
        let source = Source("AWS/NATGateway", one("NatGatewayId", gateway));
        ["BytesOutToDestination", "BytesInFromDestination"].map(|name| Line {
            label: format!("{name} {gateway}"),
            ..source.line(name, Statistic::Sum)
        })
    };
    vec![graph(
        "Bytes through NAT",
        gateways.iter().flat_map(both).collect(),
    )]
}

/// Source: Amazon API Gateway Developer Guide, "Monitor CloudWatch metrics for HTTP APIs".
fn api_gateway(place: Place<'_>) -> Vec<Graph> {
    let Some(api) = &place.surroundings.dashboard.api_gateway else {
        return Vec::new();
    };
    let api = Source("AWS/ApiGateway", one("ApiId", api));
    vec![
        graph("Requests", vec![api.line("Count", Statistic::Sum)]),
        graph(
            "Latency, ms",
            vec![
                api.line("Latency", Statistic::P50),
                api.line("Latency", Statistic::P99),
            ],
        ),
        graph("Answers with 5XX", vec![api.line("5xx", Statistic::Sum)]),
    ]
}

/// A namespace, and dimensions in it.
struct Source(&'static str, BTreeMap<String, String>);

impl Source {
    fn line(&self, name: &str, statistic: Statistic) -> Line {
        Line {
            metric: MetricId {
                namespace: self.0.to_owned(),
                name: name.to_owned(),
                dimensions: self.1.clone(),
            },
            statistic,
            label: match statistic {
                Statistic::P50 | Statistic::P99 => format!("{name} {statistic:?}"),
                _ => name.to_owned(),
            },
        }
    }
}

const fn graph(title: &'static str, lines: Vec<Line>) -> Graph {
    Graph { title, lines }
}

fn one(name: &str, value: &str) -> BTreeMap<String, String> {
    BTreeMap::from([(name.to_owned(), value.to_owned())])
}
