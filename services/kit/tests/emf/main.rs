//! Every line of metrics is what CloudWatch has published that it takes: checked against the schema of the embedded
//! metric format, and against what the specification's text says of the members that a schema cannot name.
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::time::SystemTime;

use jsonschema::Validator;
use schema::names::ServiceName;
use schema::signals::Metric;
use serde_json::{Value, json};
use service_kit::Metrics;
use service_kit::telemetry::metrics::{Emitter, Record, Records, Scope, Series};

/// CloudWatch Logs takes no longer event, in bytes; EMF is under the same limit.
const MAX_LINE_BYTES: usize = 1_048_576;

struct Published {
    document: Validator,
    dimension: Validator,
    metric: Validator,
}

impl Published {
    fn read() -> Self {
        let schema: Value = serde_json::from_str(include_str!("emf.schema.json")).unwrap();
        let part = |name: &str| {
            let part = json!({"$ref": format!("#/$defs/{name}"), "$defs": schema["$defs"]});
            jsonschema::validator_for(&part).unwrap()
        };
        Self {
            document: jsonschema::validator_for(&schema).unwrap(),
            dimension: part("DimensionTarget"),
            metric: part("MetricTarget"),
        }
    }

    /// What is wrong with a line; nothing when CloudWatch takes it.
    fn objections(&self, line: &Value) -> Vec<String> {
        let mut objections: Vec<String> = said_by(&self.document, line);
        let directives = line["_aws"]["CloudWatchMetrics"].as_array();
        for directive in directives.into_iter().flatten() {
            let sets = directive["Dimensions"].as_array().into_iter().flatten();
            for name in sets.filter_map(Value::as_array).flatten() {
                objections.extend(of_target(&self.dimension, line, name));
            }
            for metric in directive["Metrics"].as_array().into_iter().flatten() {
                objections.extend(of_target(&self.metric, line, &metric["Name"]));
            }
        }
        objections
    }
}

fn said_by(validator: &Validator, value: &Value) -> Vec<String> {
    validator
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

/// What is named must be a member of the line, and of the right kind.
fn of_target(validator: &Validator, line: &Value, name: &Value) -> Vec<String> {
    match name.as_str().and_then(|name| line.get(name)) {
        None => vec![format!("{name} is no member")],
        Some(target) => said_by(validator, target),
    }
}

/// Registers every metric there is, of each kind in turn, and measures something.
fn measure_everything(scope: &Scope) {
    for (i, metric) in Metric::ALL.iter().enumerate() {
        match i % 4 {
            0 => scope.counter(*metric).add(u64::MAX / 2),
            1 => scope.gauge(*metric).set(-0.5),
            2 => scope.probe(*metric, || 1e-9),
            _ => {
                let distribution = scope.distribution(*metric);
                (1..10_000).for_each(|value| distribution.record(f64::from(value)));
            }
        }
    }
}

fn emitted(emitter: &mut Emitter) -> Vec<Value> {
    let mut output = Vec::new();
    emitter.emit(SystemTime::now(), &mut output).unwrap();
    let lines = std::str::from_utf8(&output).unwrap().lines();
    lines
        .inspect(|line| assert!(line.len() <= MAX_LINE_BYTES, "{} bytes", line.len()))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn lines_of_a_service() -> Vec<Value> {
    let metrics = Metrics::new(&"local".try_into().unwrap(), ServiceName::LoanApi);
    measure_everything(&metrics.own());
    measure_everything(&metrics.dependency("scoring"));
    let mut emitter = Emitter::new(metrics);
    let mut lines = emitted(&mut emitter);
    // An interval in which nothing happened.
    lines.extend(emitted(&mut emitter));
    lines
}

fn a_line_of_the_controller() -> Value {
    let record = Record {
        now: SystemTime::now(),
        dimensions: vec![("Platform", "local")],
        series: vec![
            Series::count("Reconciliations", 3),
            Series::level("Platforms", 1.0),
            Series::seconds("ReconcileTime", &[(0.1, 2), (0.25, 1)]),
        ],
    };
    let mut output = Vec::new();
    let mut records = Records::new("LoanPlatform/Controller", &["Platform"]);
    records.write(&record, &mut output).unwrap();
    serde_json::from_slice(&output).unwrap()
}

#[test]
fn every_line_of_metrics_is_valid_by_the_published_schema_and_names_members_of_its_own() {
    let published = Published::read();
    let mut lines = lines_of_a_service();
    assert_eq!(lines.len(), 4);
    lines.push(a_line_of_the_controller());
    for line in lines {
        assert_eq!(published.objections(&line), [""; 0], "{line}");
    }
}

#[test]
fn every_metric_of_a_service_is_on_its_line() {
    let line = &lines_of_a_service()[0];
    let named = line["_aws"]["CloudWatchMetrics"][0]["Metrics"]
        .as_array()
        .unwrap();
    let names: Vec<&str> = named
        .iter()
        .filter_map(|metric| metric["Name"].as_str())
        .collect();
    for metric in Metric::ALL {
        assert!(names.contains(&metric.name()), "{}", metric.name());
    }
}

#[test]
fn what_cloudwatch_would_not_take_is_found() {
    let published = Published::read();
    let directive = "/_aws/CloudWatchMetrics/0";
    for (place, value) in [
        ("/_aws/Timestamp".to_owned(), json!("2026-01-01T00:00:00Z")),
        (format!("{directive}/Namespace"), json!("")),
        (format!("{directive}/Dimensions"), json!(["Platform"])),
        (format!("{directive}/Dimensions/0/0"), json!("Region")),
        (format!("{directive}/Metrics/0/Name"), json!("Missing")),
        (format!("{directive}/Metrics/0/Unit"), json!("Hours")),
        (
            format!("{directive}/Metrics/0"),
            json!({"Name": "Platforms", "StorageResolution": 5}),
        ),
        (
            format!("{directive}/Metrics"),
            json!(vec![json!({"Name": "Platforms"}); 101]),
        ),
        ("/Platform".to_owned(), json!(1)),
        ("/Platforms".to_owned(), json!("1")),
        ("/Platforms".to_owned(), json!(vec![1; 101])),
        ("/ReconcileTime/Counts".to_owned(), json!([0, 1])),
    ] {
        let mut line = a_line_of_the_controller();
        *line.pointer_mut(&place).unwrap() = value.clone();
        assert_ne!(published.objections(&line), [""; 0], "{place}: {value}");
    }
}
