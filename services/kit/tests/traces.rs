//! Traces: what a collector is sent of a service that serves and calls.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper that fails fails its test"
)]

mod own_process;

use http::StatusCode;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::{
    Span, Status, span::SpanKind, status::StatusCode as Outcome,
};
use own_process::{OwnProcess, SERVE};
use prost::Message;
use schema::names::ServiceName;
use schema::settings::AuthSettings;
use service_kit::client::{self, http_client};
use service_kit::{Application, BoxError, Context, Problem, reply};
use tokio::runtime::Runtime;
use warp::Filter;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";
/// Where the service under test finds what it calls.
const CALLED: &str = "SERVICE_KIT_TEST_CALLS";

/// Asks somebody else, and fails with them.
async fn asking(_: Context<AuthSettings>) -> Result<Application, BoxError> {
    let (http, called) = (http_client()?, std::env::var(CALLED)?);
    let ask = warp::path!("ask" / String).then(move |_id| {
        let asked = client::send(http.get(&called), "scoring");
        async move {
            match asked.await {
                Ok(answer) if answer.status().is_success() => reply::json(&"yes"),
                _ => Problem::unavailable("NO_ANSWER", "nobody answered").into_response(),
            }
        }
    });
    Ok(Application::new(ask.boxed()))
}

fn serve(settings: &str) {
    let args = own_process::args(settings, &["--log", "json"]);
    let runtime = Runtime::new().unwrap();
    let served = runtime.block_on(service_kit::run(ServiceName::Auth, args, asking));
    if let Err(error) = served {
        panic!("{error}");
    }
}

/// A service, what it calls, and the collector that it sends its spans to.
struct Traced {
    runtime: Runtime,
    called: MockServer,
    collector: MockServer,
    process: OwnProcess,
}

/// A span, and the service that it says it is from.
#[derive(Debug)]
struct Exported {
    service: String,
    span: Span,
}

impl Traced {
    /// `test` as a service; whom it calls answers with `status`.
    fn start(test: &str, status: StatusCode) -> Self {
        let runtime = Runtime::new().unwrap();
        let [called, collector] = [status, StatusCode::OK].map(|status| {
            runtime.block_on(async {
                let server = MockServer::start().await;
                let answer = ResponseTemplate::new(status);
                Mock::given(any()).respond_with(answer).mount(&server).await;
                server
            })
        });
        let environment = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &*collector.uri()),
            (CALLED, &*called.uri()),
        ];
        let process = OwnProcess::start(test, &environment);
        Self {
            runtime,
            called,
            collector,
            process,
        }
    }

    fn ask(&self, traceparent: &str) {
        let url = self.process.service.join("ask/app-1234").unwrap();
        let request = reqwest::blocking::Client::new().get(url);
        request.header("traceparent", traceparent).send().unwrap();
    }

    /// What the collector got by the time that the service has ended.
    fn exported(&mut self) -> Vec<Exported> {
        assert!(self.process.stop().success());
        requests_to(&self.runtime, &self.collector)
            .iter()
            .flat_map(|request| {
                assert_eq!(request.url.path(), "/v1/traces");
                ExportTraceServiceRequest::decode(&*request.body)
                    .unwrap()
                    .resource_spans
            })
            .flat_map(|resource| {
                let of = resource.resource.unwrap().attributes;
                let service = text(&of, "service.name").unwrap();
                let spans = resource
                    .scope_spans
                    .into_iter()
                    .flat_map(|scope| scope.spans);
                spans.map(move |span| Exported {
                    service: service.clone(),
                    span,
                })
            })
            .collect()
    }

    /// `traceparent` of the one call that was made.
    fn passed_on(&self) -> String {
        let calls = requests_to(&self.runtime, &self.called);
        assert_eq!(calls.len(), 1);
        calls[0].headers["traceparent"].to_str().unwrap().to_owned()
    }
}

fn requests_to(runtime: &Runtime, server: &MockServer) -> Vec<Request> {
    runtime.block_on(server.received_requests()).unwrap()
}

fn text(attributes: &[KeyValue], key: &str) -> Option<String> {
    let attribute = attributes.iter().find(|attribute| attribute.key == key)?;
    match attribute.value.as_ref()?.value.as_ref()? {
        any_value::Value::StringValue(text) => Some(text.clone()),
        any_value::Value::IntValue(number) => Some(number.to_string()),
        _ => None,
    }
}

fn outcome(span: &Span) -> Outcome {
    span.status.as_ref().map_or(Outcome::Unset, Status::code)
}

#[test]
fn a_request_and_what_it_called_are_spans_of_the_trace_that_came() {
    if let Ok(settings) = std::env::var(SERVE) {
        return serve(&settings);
    }
    let test = "a_request_and_what_it_called_are_spans_of_the_trace_that_came";
    let mut traced = Traced::start(test, StatusCode::OK);
    traced.ask(&format!("00-{TRACE_ID}-{CALLER}-01"));
    let exported = traced.exported();
    // Neither the probes of the admin port nor what was asked before are in it.
    let [call, request] = &exported[..] else {
        panic!("not two spans: {exported:#?}");
    };
    for Exported { service, span } in [call, request] {
        assert_eq!(service, "auth");
        assert_eq!(hex(&span.trace_id), TRACE_ID);
        assert_eq!(outcome(span), Outcome::Unset);
        assert_eq!(
            text(&span.attributes, "http.response.status_code").unwrap(),
            "200"
        );
    }
    let (call, request) = (&call.span, &request.span);
    assert_eq!(request.name, "GET /ask/{id}");
    assert_eq!(request.kind(), SpanKind::Server);
    assert_eq!(hex(&request.parent_span_id), CALLER);
    assert_eq!(call.name, "scoring");
    assert_eq!(call.kind(), SpanKind::Client);
    assert_eq!(call.parent_span_id, request.span_id);
    assert_eq!(
        traced.passed_on(),
        format!("00-{TRACE_ID}-{}-01", hex(&call.span_id))
    );
}

#[test]
fn what_fails_is_an_error_in_both_spans() {
    if let Ok(settings) = std::env::var(SERVE) {
        return serve(&settings);
    }
    let mut traced = Traced::start(
        "what_fails_is_an_error_in_both_spans",
        StatusCode::BAD_GATEWAY,
    );
    traced.ask(&format!("00-{TRACE_ID}-{CALLER}-01"));
    let exported = traced.exported();
    let outcomes: Vec<(String, Outcome)> = exported
        .iter()
        .map(|it| {
            let status = text(&it.span.attributes, "http.response.status_code");
            (status.unwrap(), outcome(&it.span))
        })
        .collect();
    let expected = ["502", "503"].map(|status| (status.to_owned(), Outcome::Error));
    assert_eq!(outcomes, expected);
}

#[test]
fn what_its_caller_does_not_sample_is_not_exported_but_passed_on() {
    if let Ok(settings) = std::env::var(SERVE) {
        return serve(&settings);
    }
    let test = "what_its_caller_does_not_sample_is_not_exported_but_passed_on";
    let mut traced = Traced::start(test, StatusCode::OK);
    traced.ask(&format!("00-{TRACE_ID}-{CALLER}-00"));
    assert!(traced.exported().is_empty());
    let passed_on = traced.passed_on();
    assert!(passed_on.starts_with(&format!("00-{TRACE_ID}-")) && passed_on.ends_with("-00"));
}

#[test]
fn without_a_trace_one_begins_with_the_request() {
    if let Ok(settings) = std::env::var(SERVE) {
        return serve(&settings);
    }
    let mut traced = Traced::start(
        "without_a_trace_one_begins_with_the_request",
        StatusCode::OK,
    );
    traced.ask("none");
    let exported = traced.exported();
    let [call, request] = &exported[..] else {
        panic!("not two spans: {exported:#?}");
    };
    assert!(request.span.parent_span_id.is_empty());
    let (trace, call) = (hex(&request.span.trace_id), hex(&call.span.span_id));
    assert_eq!(traced.passed_on(), format!("00-{trace}-{call}-01"));
}

#[test]
fn what_cannot_be_done_is_said_at_the_start() {
    if let Ok(settings) = std::env::var(SERVE) {
        return serve(&settings);
    }
    let folder = tempfile::tempdir().unwrap();
    for (variable, value, said) in [
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "localhost:4318",
            "OTEL_EXPORTER_OTLP_ENDPOINT is `localhost:4318`, which is no address of a collector",
        ),
        (
            "OTEL_EXPORTER_OTLP_PROTOCOL",
            "grpc",
            "OTEL_EXPORTER_OTLP_PROTOCOL is `grpc`, but traces are sent as http/protobuf only",
        ),
    ] {
        let environment = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318"),
            (variable, value),
        ];
        let test = "what_cannot_be_done_is_said_at_the_start";
        let ended = own_process::again(test, folder.path(), &environment)
            .output()
            .unwrap();
        assert!(!ended.status.success());
        let errors = String::from_utf8_lossy(&ended.stderr);
        assert!(errors.contains(said), "{errors}");
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
