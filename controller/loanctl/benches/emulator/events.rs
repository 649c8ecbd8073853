//! The messages by which AWS tells of what happened: the emulators do not.

use serde_json::json;

use crate::account::{Account, BUCKET};

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

    pub(crate) async fn fired(&self, account: &Account, alarm: &str) {
        let event = json!({
            "source": "aws.cloudwatch", "detail-type": "CloudWatch Alarm State Change",
            "detail": {"alarmName": alarm, "state": {"value": "ALARM"}},
        });
        self.tell(account, &event.to_string()).await;
    }

    async fn tell(&self, account: &Account, event: &str) {
        let sent = account.emulators.send_message(&self.queue, event);
        sent.await.unwrap();
    }
}
