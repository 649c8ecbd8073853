//! Logs: JSON lines on standard output, or the systemd journal; the level can change while running.

use std::fmt;
use std::io;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::fmt::format::{JsonFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormattedFields};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{Layer, Registry, reload};

use crate::args::LogTarget;

/// Changes what is logged, while running.
#[derive(Clone, Debug)]
pub struct LogLevel(reload::Handle<EnvFilter, Registry>);

/// Why logging could not be set up or changed.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// Directives that cannot be read.
    #[error("`{directives}` is not a log level: {source}")]
    Directives {
        /// As given.
        directives: String,
        /// What the parser says.
        source: tracing_subscriber::filter::ParseError,
    },
    /// There is no journal here.
    #[error("the journal cannot be reached: {0}")]
    Journal(#[source] io::Error),
    /// Something else logs already.
    #[error("logging was set up before")]
    Twice(#[from] TryInitError),
    /// The subscriber is gone.
    #[error("the log level cannot be changed: {0}")]
    Reload(#[from] reload::Error),
}

/// Sets up logging for the whole process.
///
/// # Errors
/// For unreadable directives, a journal that is asked for and missing, or a second call.
pub fn init(target: LogTarget, directives: &str) -> Result<LogLevel, LogError> {
    let (filter, handle) = reload::Layer::new(parse(directives)?);
    tracing_subscriber::registry()
        .with(filter)
        .with(output(target)?)
        .try_init()?;
    Ok(LogLevel(handle))
}

impl LogLevel {
    /// Logs by `directives` from now on.
    ///
    /// # Errors
    /// For unreadable directives.
    pub fn set(&self, directives: &str) -> Result<(), LogError> {
        Ok(self.0.reload(parse(directives)?)?)
    }
}

fn parse(directives: &str) -> Result<EnvFilter, LogError> {
    EnvFilter::try_new(directives).map_err(|source| LogError::Directives {
        directives: directives.to_owned(),
        source,
    })
}

type Output<S> = Box<dyn Layer<S> + Send + Sync>;

fn output<S>(target: LogTarget) -> Result<Output<S>, LogError>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    // systemd sets JOURNAL_STREAM for what it starts with standard output on the journal.
    let journal = match target {
        LogTarget::Auto => std::env::var_os("JOURNAL_STREAM").is_some(),
        LogTarget::Json => false,
        LogTarget::Journald => true,
    };
    if journal {
        match tracing_journald::layer() {
            // The fields have the names that they have in JSON: `journalctl TRACE_ID=…` finds a request's lines.
            Ok(layer) => return Ok(layer.with_field_prefix(None).boxed()),
            Err(error) if target == LogTarget::Journald => return Err(LogError::Journal(error)),
            // A container can inherit the variable without the socket: JSON is then the right one.
            Err(_) => {}
        }
    }
    let json = tracing_subscriber::fmt::layer()
        .fmt_fields(JsonFields::new())
        .event_format(FlatJson);
    Ok(json.boxed())
}

/// One flat JSON object per line: the event's fields and those of the spans around it, among them
/// `trace_id`, on one level, so that a log query needs no paths.
struct FlatJson;

impl<S, N> FormatEvent<S, N> for FlatJson
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> tracing_subscriber::fmt::FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = Map::new();
        for span in context
            .event_scope()
            .into_iter()
            .flat_map(tracing_subscriber::registry::Scope::from_root)
        {
            let extensions = span.extensions();
            let fields = extensions.get::<FormattedFields<N>>();
            if let Some(Ok(Value::Object(fields))) = fields.map(|text| serde_json::from_str(text)) {
                line.extend(fields);
            }
        }
        let metadata = event.metadata();
        event.record(&mut Fields(&mut line));
        line.insert(
            "timestamp".to_owned(),
            jiff::Timestamp::now().to_string().into(),
        );
        line.insert("level".to_owned(), metadata.level().as_str().into());
        line.insert("target".to_owned(), metadata.target().into());
        writeln!(writer, "{}", Value::Object(line))
    }
}

struct Fields<'a>(&'a mut Map<String, Value>);

impl Fields<'_> {
    fn insert(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.insert(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.insert(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.insert(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.insert(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.insert(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.insert(field, value);
    }
}
