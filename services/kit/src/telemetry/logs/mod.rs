//! Logs: JSON lines on standard output, or the systemd journal; the level can change while running.
//!
//! Nobody waits for standard output: lines are written by a thread of its own. When nobody reads them and too many have
//! piled up, new ones are dropped, and how many is the first thing logged when there is room again.

mod line;
mod lines;

use std::fmt;
use std::io;
use std::time::Duration;

use jiff::Timestamp;
use line::Line;
use lines::Lines;
use serde::Serializer;
use serde_json::{Map, Value};
use tokio::time::MissedTickBehavior;
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::fmt::format::{JsonFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormattedFields};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::{LookupSpan, Scope};
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{Layer, Registry, reload};

use crate::args::LogTarget;
use crate::trace;

/// How often it is looked whether lines were dropped.
const DROPPED_INTERVAL: Duration = Duration::from_secs(5);
/// Most lines are shorter, in bytes.
const USUAL_LENGTH: usize = 512;
/// Longest wait at the end for lines to be written.
const LAST_LINES: Duration = Duration::from_secs(2);

/// The process's log, for as long as it is kept. Dropped, it writes what is still to be written, and waits no longer
/// than two seconds for it.
#[derive(Debug)]
pub struct Log {
    level: LogLevel,
    /// None where they go to the journal.
    lines: Option<Lines>,
}

impl Drop for Log {
    fn drop(&mut self) {
        if let Some(lines) = &self.lines {
            lines.end(LAST_LINES);
        }
    }
}

impl Log {
    /// Changes what is logged.
    #[must_use]
    pub fn level(&self) -> LogLevel {
        self.level.clone()
    }

    /// Logs for ever how many lines had to be dropped, whenever there were any.
    pub fn tell_of_dropped(&self) -> impl Future<Output = ()> + Send + use<> {
        let lines = self.lines.clone();
        async move {
            match lines {
                Some(lines) => tell_of(&lines).await,
                // The journal drops nothing that it does not tell of itself.
                None => std::future::pending().await,
            }
        }
    }
}

async fn tell_of(lines: &Lines) {
    let mut ticks = tokio::time::interval(DROPPED_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = 0;
    loop {
        ticks.tick().await;
        let dropped = lines.dropped();
        if dropped == told {
            continue;
        }
        tracing::warn!(
            lines = dropped - told,
            "log lines were dropped: standard output was full"
        );
        // When the line just logged was dropped as well, all are told of once more.
        if lines.dropped() == dropped {
            told = dropped;
        }
    }
}

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
    /// There is no thread that could write the log.
    #[error("nothing can write the log: {0}")]
    Thread(#[source] io::Error),
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
pub fn init(target: LogTarget, directives: &str) -> Result<Log, LogError> {
    let (filter, handle) = reload::Layer::new(parse(directives)?);
    let output = output(target)?;
    tracing_subscriber::registry()
        .with(filter)
        .with(output.layer)
        .try_init()?;
    Ok(Log {
        level: LogLevel(handle),
        lines: output.lines,
    })
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

/// Where records go.
struct Output<S> {
    layer: Box<dyn Layer<S> + Send + Sync>,
    lines: Option<Lines>,
}

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
            Ok(layer) => {
                return Ok(Output {
                    layer: layer.with_field_prefix(None).boxed(),
                    lines: None,
                });
            }
            Err(error) if target == LogTarget::Journald => return Err(LogError::Journal(error)),
            // A container can inherit the variable without the socket: JSON is then the right one.
            Err(_) => {}
        }
    }
    let lines = Lines::to(io::stdout()).map_err(LogError::Thread)?;
    trace::log_asks();
    Ok(Output {
        layer: json_to(lines.clone()).boxed(),
        lines: Some(lines),
    })
}

fn json_to<S, W>(writer: W) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: io::Write + Clone + Send + Sync + 'static,
{
    tracing_subscriber::fmt::layer()
        .fmt_fields(JsonFields::new())
        .event_format(FlatJson)
        .with_writer(move || writer.clone())
}

/// One flat JSON object per line: the event's fields, those of the spans around it and the `trace_id` of the current
/// request, on one level, so that a log query needs no paths.
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
        let spans = fields_of_spans(context);
        let mut text = Vec::with_capacity(USUAL_LENGTH);
        let mut json = serde_json::Serializer::new(&mut text);
        let mut line = Line::new(json.serialize_map(None).map_err(|_| fmt::Error)?);
        let metadata = event.metadata();
        line.add("timestamp", &format_args!("{}", Timestamp::now()));
        line.add("level", metadata.level().as_str());
        line.add("target", metadata.target());
        event.record(&mut line);
        if let Some(trace_id) = trace::current_id() {
            line.add("trace_id", &format_args!("{trace_id}"));
        }
        for (name, value) in &spans {
            line.add(name, value);
        }
        line.end()?;
        writeln!(writer, "{}", str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

/// The fields of the spans around an event, the innermost last word among them.
fn fields_of_spans<S, N>(context: &FmtContext<'_, S, N>) -> Map<String, Value>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> tracing_subscriber::fmt::FormatFields<'a> + 'static,
{
    let mut all = Map::new();
    for span in context.event_scope().into_iter().flat_map(Scope::from_root) {
        let extensions = span.extensions();
        let fields = extensions.get::<FormattedFields<N>>();
        if let Some(Ok(Value::Object(fields))) = fields.map(|text| serde_json::from_str(text)) {
            all.extend(fields);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex, PoisonError};

    use tracing::instrument::WithSubscriber;

    use super::*;
    use crate::trace::TraceContext;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            written.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_line_has_the_trace_of_its_request_whatever_the_level_and_none_outside_of_requests() {
        let written = Written::default();
        let json = json_to(written.clone());
        let warnings = tracing_subscriber::registry().with(EnvFilter::new("warn"));
        let context = TraceContext::start();
        let work = async {
            tracing::warn!("outside");
            let request = async { tracing::warn!(status = 503, "inside") };
            context.scope(tracing::Span::none(), request).await;
        };
        work.with_subscriber(warnings.with(json)).await;

        let written = written.0.lock().unwrap();
        let lines: Vec<Value> = serde_json::Deserializer::from_slice(&written)
            .into_iter()
            .collect::<Result<_, _>>()
            .unwrap();
        let [outside, inside] = &lines[..] else {
            panic!("{lines:?}");
        };
        assert_eq!(outside.get("trace_id"), None);
        assert_eq!(inside["trace_id"], context.trace_id().to_string());
        assert_eq!(inside["status"], 503);
        assert_eq!(inside["message"], "inside");
    }

    #[tokio::test]
    async fn of_two_fields_with_one_name_the_nearer_one_is_kept_and_a_line_is_flat() {
        let written = Written::default();
        let json = json_to(written.clone());
        let subscriber = tracing_subscriber::registry().with(json);
        let work = async {
            let outer = tracing::info_span!("outer", attempt = 1, port = 8081, host = "a\"b");
            let _outer = outer.enter();
            let inner = tracing::info_span!("inner", attempt = 2, port = 8082);
            let _inner = inner.enter();
            tracing::info!(attempt = 3, level = "mine", error = ?Some("no\nline"), "told");
        };
        work.with_subscriber(subscriber).await;

        let written = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        assert_eq!(written.lines().count(), 1, "{written}");
        assert_eq!(written.matches("\"attempt\"").count(), 1, "{written}");
        assert_eq!(written.matches("\"level\"").count(), 1, "{written}");
        let mut line: Map<String, Value> = serde_json::from_str(&written).unwrap();
        let timestamp = line.remove("timestamp").unwrap();
        timestamp.as_str().unwrap().parse::<Timestamp>().unwrap();
        let target = "service_kit::telemetry::logs::tests";
        let expected = serde_json::json!({
            "level": "INFO", "target": target, "message": "told", "attempt": 3, "port": 8082, "host": "a\"b",
            "error": "Some(\"no\\nline\")",
        });
        assert_eq!(Value::Object(line), expected);
    }
}
