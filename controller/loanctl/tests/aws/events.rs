//! The messages by which AWS tells of what happened: the emulators do not.

use serde_json::json;

use crate::account::{Account, BUCKET, CLUSTER};

/// A queue, and what is put on it.
pub(crate) struct Events {
    queue: String,
}

impl Events {
    pub(crate) async fn of(account: &Account) -> Self {
        let queue = account.emulators.create_queue("loan-platforms").await;
        Self {
            queue: queue.unwrap(),
        }
    }

    pub(crate) fn queue(&self) -> &str {
        &self.queue
    }

    pub(crate) async fn written(&self, account: &Account, path: &str) {
        let event = json!({
            "source": "aws.s3", "detail-type": "Object Created",
            "detail": {"bucket": {"name": BUCKET}, "object": {"key": path}},
        });
        self.tell(account, &event.to_string()).await;
    }

    pub(crate) async fn service_changed(&self, account: &Account, name: &str) {
        let event = json!({
            "source": "aws.ecs", "detail-type": "ECS Service Action",
            "resources": [format!("arn:aws:ecs:eu-central-1:123456789012:service/{CLUSTER}/{name}")],
        });
        self.tell(account, &event.to_string()).await;
    }

    /// Puts a message on the queue, whatever it says.
    pub(crate) async fn tell(&self, account: &Account, event: &str) {
        let sent = account.emulators.send_message(&self.queue, event);
        sent.await.unwrap();
    }
}
