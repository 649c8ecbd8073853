//! Verifying that the queue tells of changes: one is made, and its message waited for.

use std::time::Duration;

use aws_sdk_sqs::types::Message;
use bytes::Bytes;
use engine::ports::{Documents, Expected, PortError};
use tokio::time::{Instant, timeout_at};

use super::Finding;
use crate::connection::Connection;
use crate::documents::S3Documents;
use crate::failure::port_error;

/// A file that is no spec, where specs lie.
const PROBE: &str = "specs/.verify";
/// How long the message may take. S3 usually tells within seconds; it may take a minute.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a message that was looked at here is kept from others, in seconds. Without it the same ones would come again
/// at once, and each time counts towards the dead-letter queue.
const HIDDEN_S: i32 = 2;

pub(super) async fn findings(
    connection: &Connection,
    documents: &S3Documents,
    url: &str,
) -> Vec<Finding> {
    vec![Finding::new(
        "receive hints",
        hint(connection, documents, url).await,
    )]
}

async fn hint(
    connection: &Connection,
    documents: &S3Documents,
    url: &str,
) -> Result<String, PortError> {
    let start = Instant::now();
    documents.delete(PROBE).await?;
    documents
        .put(PROBE, Bytes::from_static(b"verify"), Expected::Absent)
        .await?;
    let heard = timeout_at(start + PATIENCE, hear(connection, url)).await;
    documents.delete(PROBE).await?;
    match heard {
        Ok(heard) => heard.map(|()| {
            format!(
                "told of a new object within {} ms",
                start.elapsed().as_millis()
            )
        }),
        Err(_) => Err(PortError::refused(
            format!("hear of a new object on {url}"),
            "no message came within 30 s: let the bucket notify the queue (its events to EventBridge, a rule for \
             them, a queue policy that lets events.amazonaws.com send, and a KMS key that it may use), or stop the \
             controller that received it",
        )),
    }
}

/// Waits for the message. Those that say something else are left for whom they are meant for.
async fn hear(connection: &Connection, url: &str) -> Result<(), PortError> {
    loop {
        let polled = connection.sqs.receive_message().queue_url(url);
        let polled = polled
            .max_number_of_messages(10)
            .wait_time_seconds(5)
            .visibility_timeout(HIDDEN_S);
        let answer = polled.send().await;
        let answer =
            answer.map_err(|error| port_error("read the queue", "sqs:ReceiveMessage", error))?;
        if answer.messages().iter().any(says_so) {
            return Ok(());
        }
    }
}

fn says_so(message: &Message) -> bool {
    // In the form that S3 itself sends, the key is encoded.
    let name = PROBE.trim_start_matches("specs/");
    message.body().is_some_and(|body| body.contains(name))
}
