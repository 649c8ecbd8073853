//! What running services would report: the emulators start no tasks.

use std::time::Duration;

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::{Dimension, MetricDatum};
use engine::ports::Documents;
use serde_json::Value;
use tokio::task::JoinHandle;

use crate::account::Account;

/// Services that report.
const SERVICES: [&str; 3] = ["auth", "loan-api", "scoring"];
/// How often they report.
const INTERVAL: Duration = Duration::from_secs(2);
/// Scoring calls in each report: enough for any sample guard of the spec.
const CALLS: f64 = 50.0;

/// Services of a platform that report the settings that lie in the bucket, and traffic without a failure.
pub(crate) struct Telemetry(JoinHandle<()>);

impl Drop for Telemetry {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Telemetry {
    pub(crate) fn of(account: &Account, platform: &'static str) -> Self {
        let (client, documents) = (account.cloudwatch.clone(), account.documents.clone());
        Self(tokio::spawn(async move {
            loop {
                report(&client, &documents, platform).await;
                tokio::time::sleep(INTERVAL).await;
            }
        }))
    }
}

async fn report(client: &Client, documents: &impl Documents, platform: &str) {
    let mut data = vec![
        datum(platform, "loan-api", Some("scoring"), "Calls", CALLS),
        datum(platform, "loan-api", Some("scoring"), "Failures", 0.0),
    ];
    for service in SERVICES {
        let path = format!("settings/{platform}/{service}.json");
        let Ok(Some(found)) = documents.get(&path).await else {
            continue;
        };
        let settings: Value = serde_json::from_slice(&found.bytes).unwrap();
        for (metric, field) in [("SettingsEpoch", "epoch"), ("SettingsSequence", "sequence")] {
            let value = settings[field].as_f64().unwrap();
            data.push(datum(platform, service, None, metric, value));
        }
    }
    let put = client.put_metric_data().namespace("LoanPlatform");
    put.set_metric_data(Some(data)).send().await.unwrap();
}

fn datum(
    platform: &str,
    service: &str,
    dependency: Option<&str>,
    metric: &str,
    value: f64,
) -> MetricDatum {
    let dimension = |name: &str, value: &str| Dimension::builder().name(name).value(value).build();
    let mut datum = MetricDatum::builder()
        .metric_name(metric)
        .dimensions(dimension("Platform", platform))
        .dimensions(dimension("Service", service))
        .storage_resolution(1)
        .value(value);
    if let Some(dependency) = dependency {
        datum = datum.dimensions(dimension("Dependency", dependency));
    }
    datum.build()
}
