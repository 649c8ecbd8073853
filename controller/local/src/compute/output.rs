//! What a task writes: where it listens, metrics, and log lines.

use std::net::SocketAddr;
use std::sync::Arc;

use cloudwatch_rules::MetricStore;
use futures::StreamExt;
use jiff::Timestamp;
use serde::Deserialize;
use tokio::io::AsyncRead;
use tokio::sync::{Mutex, oneshot};
use tokio_util::codec::{FramedRead, LinesCodec, LinesCodecError};

use super::task_log::TaskLog;

/// A line beyond this is not read to its end.
const MAX_LINE_BYTES: usize = 256 * 1024;

/// The addresses a task serves on: the first line it writes.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub(crate) struct Listening {
    /// Of the service port.
    pub(crate) service: SocketAddr,
    /// Of the admin port.
    pub(crate) admin: SocketAddr,
}

/// What one line of stdout is.
#[derive(Debug, PartialEq, Eq)]
enum Line {
    Listening(Listening),
    Metrics,
    Log { alarming: bool },
}

/// Where a task's output goes.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    /// `local/scoring-1f3a`.
    pub(crate) source: Arc<str>,
    /// The log file.
    pub(crate) log: Arc<Mutex<TaskLog>>,
    /// The metrics.
    pub(crate) metrics: Arc<MetricStore>,
}

impl Output {
    /// Reads stdout to its end; `found` hears of the addresses.
    pub(crate) async fn read_stdout(
        self,
        stdout: impl AsyncRead + Unpin,
        found: oneshot::Sender<Listening>,
    ) {
        let mut found = Some(found);
        let mut lines = lines(stdout);
        while let Some(read) = next(&mut lines).await {
            match read {
                Ok(line) => match classify(&line) {
                    Line::Listening(addresses) => {
                        // Only the first says where it listens, and nobody waits once it has ended.
                        if let Some(found) = found.take() {
                            found.send(addresses).ok();
                        }
                    }
                    Line::Metrics => self.measure(&line),
                    Line::Log { alarming } => self.log(&line, alarming).await,
                },
                Err(LinesCodecError::MaxLineLengthExceeded) => {
                    self.log("(a line was too long to be kept)", true).await;
                }
                Err(LinesCodecError::Io(_)) => break,
            }
        }
    }

    /// Reads stderr to its end: panics, and what libraries print.
    pub(crate) async fn read_stderr(self, stderr: impl AsyncRead + Unpin) {
        let mut lines = lines(stderr);
        while let Some(read) = next(&mut lines).await {
            match read {
                Ok(line) => self.log(&line, false).await,
                Err(LinesCodecError::MaxLineLengthExceeded) => {}
                Err(LinesCodecError::Io(_)) => break,
            }
        }
    }

    fn measure(&self, line: &str) {
        if let Err(error) = self.metrics.ingest_emf(line, Timestamp::now()) {
            tracing::debug!(task = %self.source, %error, "a metric line was refused");
        }
    }

    async fn log(&self, line: &str, alarming: bool) {
        if alarming {
            tracing::warn!(task = %self.source, "{line}");
        }
        if let Err(error) = self.log.lock().await.line(line) {
            tracing::warn!(task = %self.source, %error, "its log cannot be written");
        }
    }
}

fn lines<R: AsyncRead>(reader: R) -> FramedRead<R, LinesCodec> {
    FramedRead::new(reader, LinesCodec::new_with_max_length(MAX_LINE_BYTES))
}

/// The next line, or the end.
async fn next<R: AsyncRead + Unpin>(
    lines: &mut FramedRead<R, LinesCodec>,
) -> Option<Result<String, LinesCodecError>> {
    let read = lines.next().await;
    if matches!(read, Some(Err(LinesCodecError::MaxLineLengthExceeded))) {
        // A framed reader says "the end" once after an error, and can then be read on: not reading
        // on would fill the pipe and stop the task.
        let pause = lines.next().await;
        if pause.is_some() {
            return pause;
        }
    }
    read
}

fn classify(line: &str) -> Line {
    #[derive(Deserialize)]
    struct Shape<'a> {
        #[serde(rename = "_aws")]
        aws: Option<serde::de::IgnoredAny>,
        event: Option<std::borrow::Cow<'a, str>>,
        level: Option<std::borrow::Cow<'a, str>>,
    }
    let Ok(shape) = serde_json::from_str::<Shape<'_>>(line) else {
        return Line::Log { alarming: false };
    };
    if shape.aws.is_some() {
        return Line::Metrics;
    }
    if shape.event.as_deref() == Some("listening")
        && let Ok(listening) = serde_json::from_str(line)
    {
        return Line::Listening(listening);
    }
    let alarming = shape
        .level
        .is_some_and(|it| matches!(&*it, "ERROR" | "WARN" | "error" | "warn"));
    Line::Log { alarming }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_told_apart_by_their_shape() {
        let address = "127.0.0.1:1".parse().expect("an address");
        let cases = [
            (
                r#"{"event":"listening","service":"127.0.0.1:1","admin":"127.0.0.1:1"}"#,
                Line::Listening(Listening {
                    service: address,
                    admin: address,
                }),
            ),
            (r#"{"_aws":{"Timestamp":1},"Requests":3}"#, Line::Metrics),
            (
                r#"{"level":"ERROR","message":"x"}"#,
                Line::Log { alarming: true },
            ),
            (
                r#"{"level":"INFO","event":"listening"}"#,
                Line::Log { alarming: false },
            ),
            ("not json", Line::Log { alarming: false }),
        ];
        for (line, expected) in cases {
            assert_eq!(classify(line), expected, "{line}");
        }
    }

    #[tokio::test]
    async fn reading_goes_on_after_a_line_that_is_too_long() {
        let mut text = "x".repeat(3 * MAX_LINE_BYTES);
        text.push_str("\nshort\n");
        let mut lines = lines(text.as_bytes());
        let mut read = Vec::new();
        while let Some(line) = next(&mut lines).await {
            read.push(line.ok());
        }
        assert_eq!(read, [None, Some("short".to_owned())]);
    }
}
