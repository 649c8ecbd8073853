//! Traces: spans sent by the OpenTelemetry protocol to a collector, where the environment names one.
//!
//! Read are the variables of the OpenTelemetry specification: `OTEL_EXPORTER_OTLP_ENDPOINT` (or `…_TRACES_ENDPOINT`),
//! `…_HEADERS`, `…_TIMEOUT`, `OTEL_TRACES_SAMPLER`, `OTEL_BSP_…`, `OTEL_RESOURCE_ATTRIBUTES`. Without an endpoint nothing
//! is exported. Spans are sent in batches from a thread of their own; what a collector does not take within a few
//! seconds is dropped and logged, and holds up no request.

use std::env;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{ExporterBuildError, SpanExporter};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use schema::names::{PlatformName, ServiceName};

use crate::trace;

const ENDPOINTS: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
];
const PROTOCOLS: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
    "OTEL_EXPORTER_OTLP_PROTOCOL",
];
/// The one form in which spans are sent here.
const PROTOCOL: &str = "http/protobuf";

/// Why spans cannot be exported as the environment wants it.
#[derive(Debug, thiserror::Error)]
pub enum TracesError {
    /// A form that is not spoken here.
    #[error(
        "{variable} is `{value}`, but traces are sent as {PROTOCOL} only: unset it, and give the collector's \
         port for that (usually 4318) in {endpoint}"
    )]
    Protocol {
        /// Where it is asked for.
        variable: &'static str,
        /// What is asked for.
        value: String,
        /// Where the address is given.
        endpoint: &'static str,
    },
    /// An address that is none.
    #[error(
        "{variable} is `{value}`, which is no address of a collector, like http://127.0.0.1:4318"
    )]
    Endpoint {
        /// Where it is given.
        variable: &'static str,
        /// What is given.
        value: String,
    },
    /// The exporter cannot be made.
    #[error("traces cannot be exported: {0}")]
    Exporter(#[from] ExporterBuildError),
}

/// Exports spans until it is stopped.
#[derive(Debug)]
pub struct Traces(SdkTracerProvider);

/// Exports the spans of this process from now on, where the environment says where to.
///
/// # Errors
/// When what the environment says cannot be done.
pub fn init(service: ServiceName, platform: &PlatformName) -> Result<Option<Traces>, TracesError> {
    let Some((variable, endpoint)) = first_set(&ENDPOINTS) else {
        return Ok(None);
    };
    check_endpoint(variable, endpoint)?;
    check_protocol(variable)?;
    let exporter = SpanExporter::builder().with_http().build()?;
    let resource = Resource::builder()
        .with_service_name(service.kebab())
        .with_attribute(KeyValue::new("service.namespace", platform.to_string()))
        .build();
    let provider = SdkTracerProvider::builder()
        .with_resource(resource)
        .with_batch_exporter(exporter)
        .build();
    trace::export_with(provider.tracer("service-kit"));
    Ok(Some(Traces(provider)))
}

impl Traces {
    /// Sends what is there, for `patience` at most; returns when it is sent.
    pub async fn stop(self, patience: Duration) {
        let sent =
            tokio::task::spawn_blocking(move || self.0.shutdown_with_timeout(patience)).await;
        match sent {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the last spans were not exported"),
            Err(error) => tracing::error!(%error, "the export of spans failed"),
        }
    }
}

/// An empty variable is as good as none (OpenTelemetry, "Environment variable specification").
fn first_set(variables: &[&'static str]) -> Option<(&'static str, String)> {
    variables.iter().find_map(|name| {
        let value = env::var(name).ok().filter(|value| !value.is_empty())?;
        Some((*name, value))
    })
}

fn check_endpoint(variable: &'static str, value: String) -> Result<(), TracesError> {
    let is_address = url::Url::parse(&value)
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    match is_address {
        true => Ok(()),
        false => Err(TracesError::Endpoint { variable, value }),
    }
}

fn check_protocol(endpoint: &'static str) -> Result<(), TracesError> {
    match first_set(&PROTOCOLS) {
        Some((variable, value)) if value != PROTOCOL => Err(TracesError::Protocol {
            variable,
            value,
            endpoint,
        }),
        _ => Ok(()),
    }
}
