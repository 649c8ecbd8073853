//! The `Watch` port on SQS: hints that something changed.
//!
//! Hints may come late, twice or never: truth is always read again, and the resync finds what none told of.

mod message;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, Message};
use engine::ports::PortError;
use engine::touched::Word;
use futures::StreamExt;
use futures::stream::BoxStream;
use schema::names::PlatformName;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::ReceiverStream;

use crate::connection::Connection;
use crate::failure::port_error;
use message::Said;

/// Longest time that a poll waits for messages. Source: the API's own limit.
const LONG_POLL_SECONDS: i32 = 20;
/// Most messages in one answer. Source: the API's own limit.
const MESSAGES: i32 = 10;
/// Pause after a poll that failed; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Hints that a slow reader may lag behind. What is beyond is dropped: the resync finds it.
const HINTS_KEPT: usize = 4_096;

/// What was counted of the queue since the process began.
#[derive(Debug, Default)]
pub struct QueueTally {
    received: AtomicU64,
    unknown: AtomicU64,
    failed: AtomicU64,
}

impl QueueTally {
    /// Messages received.
    pub fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// Messages that could not be understood, and were dropped.
    pub fn unknown(&self) -> u64 {
        self.unknown.load(Ordering::Relaxed)
    }

    /// Polls that failed.
    pub fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }
}

/// Hints from a queue.
pub struct QueueWatch {
    /// A spec file may have changed.
    pub specs: BoxStream<'static, ()>,
    /// This platform may have changed.
    pub platforms: BoxStream<'static, (PlatformName, Word)>,
    /// What was counted.
    pub tally: Arc<QueueTally>,
    /// Ends the polling when it is dropped.
    pub polling: Polling,
}

impl std::fmt::Debug for QueueWatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("QueueWatch").finish_non_exhaustive()
    }
}

/// A task that polls the queue; dropping it ends it.
#[derive(Debug)]
pub struct Polling(JoinHandle<()>);

impl Drop for Polling {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Watches the queue at `url`.
pub(crate) fn watch(connection: &Connection, url: String) -> QueueWatch {
    let (specs, specs_hints) = mpsc::channel(1);
    let (platforms, platform_hints) = mpsc::channel(HINTS_KEPT);
    let tally = Arc::new(QueueTally::default());
    let poller = Poller {
        sqs: connection.sqs.clone(),
        url,
        specs,
        platforms,
        tally: Arc::clone(&tally),
    };
    QueueWatch {
        specs: ReceiverStream::new(specs_hints).boxed(),
        platforms: ReceiverStream::new(platform_hints).boxed(),
        tally,
        polling: Polling(tokio::spawn(poller.poll_for_ever())),
    }
}

struct Poller {
    sqs: aws_sdk_sqs::Client,
    url: String,
    specs: mpsc::Sender<()>,
    platforms: mpsc::Sender<(PlatformName, Word)>,
    tally: Arc<QueueTally>,
}

impl Poller {
    async fn poll_for_ever(self) {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.poll().await {
                Ok(()) => pause = FIRST_PAUSE,
                Err(error) => {
                    self.count_failure(&error);
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    fn count_failure(&self, error: &PortError) {
        self.tally.failed.fetch_add(1, Ordering::Relaxed);
        let cause = error as &dyn std::error::Error;
        tracing::warn!(
            cause,
            "The queue cannot be read; changes are found by polling meanwhile."
        );
    }

    async fn poll(&self) -> Result<(), PortError> {
        let polled = self
            .sqs
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(MESSAGES)
            .wait_time_seconds(LONG_POLL_SECONDS)
            .send()
            .await;
        let action = format!("read the queue {}", self.url);
        let answer = polled.map_err(|error| port_error(&action, "sqs:ReceiveMessage", error))?;
        let messages = answer.messages.unwrap_or_default();
        if messages.is_empty() {
            return Ok(());
        }
        for message in &messages {
            self.take_in(message);
        }
        self.delete(messages).await
    }

    fn take_in(&self, message: &Message) {
        self.tally.received.fetch_add(1, Ordering::Relaxed);
        for said in message::read(message.body().unwrap_or_default()) {
            match said {
                // A full channel already holds the hint that this one would be.
                Said::Specs => drop(self.specs.try_send(())),
                Said::Platform(platform, word) => {
                    drop(self.platforms.try_send((platform, word)));
                }
                Said::Nothing => {}
                Said::Unknown => {
                    self.tally.unknown.fetch_add(1, Ordering::Relaxed);
                    let id = message.message_id().unwrap_or_default();
                    tracing::warn!(
                        id,
                        "A message on the queue cannot be understood and is dropped."
                    );
                }
            }
        }
    }

    /// Messages that could not be deleted come again, which does no harm.
    async fn delete(&self, messages: Vec<Message>) -> Result<(), PortError> {
        let entries = messages
            .into_iter()
            .enumerate()
            .filter_map(|(number, message)| {
                let entry = DeleteMessageBatchRequestEntry::builder().id(number.to_string());
                entry.receipt_handle(message.receipt_handle?).build().ok()
            });
        let deleted = self
            .sqs
            .delete_message_batch()
            .queue_url(&self.url)
            .set_entries(Some(entries.collect()))
            .send()
            .await;
        let action = format!("delete messages from the queue {}", self.url);
        deleted
            .map(drop)
            .map_err(|error| port_error(&action, "sqs:DeleteMessage", error))
    }
}
