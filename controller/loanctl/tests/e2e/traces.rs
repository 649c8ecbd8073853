//! One application as a collector of traces sees it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::time::{Duration, Instant, sleep};
use warp::Filter;

use crate::laptop::{BOUND, Laptop};
use crate::load::authorized;
use crate::spec::Spec;
use crate::view::View;

const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";
const POLL: Duration = Duration::from_millis(50);

/// What was sent to a collector, by span id.
type Spans = Arc<Mutex<BTreeMap<String, Sent>>>;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Sent {
    service: String,
    name: String,
    parent: String,
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_is_one_trace_through_all_four_services() {
    let (endpoint, spans) = collector().await;
    let mut laptop = Laptop::off();
    laptop.save(&Spec::new());
    laptop.start_with(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint),
        ("OTEL_BSP_SCHEDULE_DELAY", "100"),
    ]);
    laptop
        .wait("every service to be ready", |it| {
            it.holds("Ready").is_some()
        })
        .await;
    let (http, token) = authorized(&laptop.endpoint()).await;
    let application = http
        .post(format!("{}/loan/apply", laptop.endpoint()))
        .bearer_auth(token)
        .header("Idempotency-Key", "traced")
        .header("traceparent", format!("00-{TRACE_ID}-{CALLER}-01"))
        .json(&json!({"userId": "ada", "amount": 5000, "termMonths": 24, "income": 3000}));
    assert!(application.send().await.unwrap().status().is_success());

    let calls = [
        ("loan-api", "POST /loan/apply", "-"),
        ("loan-api", "auth", "POST /loan/apply"),
        ("auth", "POST /verify", "auth"),
        ("loan-api", "database", "POST /loan/apply"),
        ("loan-api", "scoring", "POST /loan/apply"),
        ("scoring", "POST /score", "scoring"),
        ("scoring", "provider", "POST /score"),
        ("score-provider", "POST /v1/scores", "provider"),
    ];
    let expected: BTreeSet<Sent> = calls.map(sent).into();
    let started = Instant::now();
    loop {
        let found = tree(&spans.lock().unwrap());
        if found == expected {
            break;
        }
        assert!(started.elapsed() < BOUND, "{found:#?}");
        sleep(POLL).await;
    }
}

fn sent((service, name, parent): (&str, &str, &str)) -> Sent {
    Sent {
        service: service.to_owned(),
        name: name.to_owned(),
        parent: parent.to_owned(),
    }
}

/// The spans with the names of their parents; `-` for the client's own.
fn tree(spans: &BTreeMap<String, Sent>) -> BTreeSet<Sent> {
    let named = |span: &Sent| {
        let parent = match span.parent.as_str() {
            CALLER => "-".to_owned(),
            parent => spans
                .get(parent)
                .map_or_else(|| "missing".to_owned(), |it| it.name.clone()),
        };
        Sent {
            parent,
            ..span.clone()
        }
    };
    spans.values().map(named).collect()
}

/// A collector that keeps what it is sent of one trace, and its address.
#[expect(
    clippy::disallowed_methods,
    reason = "what the services under test send is not without bounds"
)]
async fn collector() -> (String, Spans) {
    let spans = Spans::default();
    let kept = Arc::clone(&spans);
    let traces = warp::path!("v1" / "traces")
        .and(warp::post())
        .and(warp::body::bytes())
        .map(move |body: Bytes| {
            let request = ExportTraceServiceRequest::decode(body).unwrap();
            kept.lock().unwrap().extend(of_the_trace(request));
            warp::reply()
        });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(warp::serve(traces).incoming(listener).run());
    (format!("http://{address}"), spans)
}

fn of_the_trace(request: ExportTraceServiceRequest) -> Vec<(String, Sent)> {
    let mut found = Vec::new();
    for resource in request.resource_spans {
        let service = service_of(&resource.resource.unwrap_or_default());
        for span in resource
            .scope_spans
            .into_iter()
            .flat_map(|scope| scope.spans)
        {
            if hex(&span.trace_id) == TRACE_ID {
                let sent = Sent {
                    service: service.clone(),
                    name: span.name,
                    parent: hex(&span.parent_span_id),
                };
                found.push((hex(&span.span_id), sent));
            }
        }
    }
    found
}

fn service_of(resource: &Resource) -> String {
    let mut attributes = resource.attributes.iter();
    let name = attributes.find(|attribute| attribute.key == "service.name");
    match name.and_then(|name| name.value.as_ref()?.value.as_ref()) {
        Some(Value::StringValue(name)) => name.clone(),
        other => panic!("no name of a service: {other:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
