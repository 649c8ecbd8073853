//! Specs as people write them, and how to look into what the controller shows.

use serde_json::{Value, json};

/// A small platform. JSON is YAML.
pub(crate) fn spec(name: &str, edit: impl FnOnce(&mut Value)) -> String {
    let mut spec = json!({
        "services": {
            "loanApi": {"image": "loan-api:1", "cpu": 512, "memory": 1024, "desiredCount": 2},
            "auth": {"image": "auth:1", "desiredCount": 1},
            "scoring": {
                "image": "scoring:1",
                "desiredCount": 2,
                "clients": {"provider": {"url": "http://score-provider:8084"}},
            },
        },
        "decision": {"bands": [{"riskBand": "LOW", "minScore": 700, "interestRate": "11.90"}]},
        "alarms": [
            {
                "name": "scoring-failures", "signal": "ScoringFailureRatio", "threshold": 5,
                "period": "10s", "evaluationPeriods": 3, "datapointsToAlarm": 2, "minSamples": 20,
                "onAlarm": ["RollbackScoring"],
            },
            {
                "name": "latency", "signal": "LoanApiLatencyP99", "threshold": 700,
                "period": "60s", "evaluationPeriods": 3,
            },
        ],
        "rollout": {"bakeTime": "80s", "maxBakeTime": "10m", "minSamples": 20},
    });
    edit(&mut spec);
    let platform = json!({
        "apiVersion": "lending.dev/v1alpha1",
        "kind": "LoanPlatform",
        "metadata": {"name": name},
        "spec": spec,
    });
    serde_json::to_string_pretty(&platform).unwrap()
}

/// The value of a metric without labels in Prometheus text.
pub(crate) fn sample(metrics: &str, name: &str) -> Option<f64> {
    let line = |line: &str| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok();
    metrics.lines().find_map(line)
}

/// The message of a condition of a shown platform.
pub(crate) fn condition<'a>(platform: &'a Value, type_: &str) -> Option<&'a Value> {
    let conditions = platform["status"]["conditions"].as_array()?;
    conditions.iter().find(|it| it["type"] == type_)
}
