//! With a queue nothing waits for the next poll.

use serde_json::json;

use crate::account::{Account, BUCKET, eventually};
use crate::controller::Controller;

/// Polls that no test waits for.
const HARDLY_POLLING: [&str; 4] = ["--poll", "1h", "--resync", "1h"];

#[tokio::test]
async fn what_the_queue_tells_of_is_looked_at_at_once() {
    let account = Account::opens().await;
    let queue = account
        .emulators
        .create_queue("loan-platforms")
        .await
        .unwrap();
    let args = [HARDLY_POLLING.as_slice(), &["--queue", &queue]].concat();
    let controller = Controller::starts_with(&account.emulators, &args).await;
    controller.holds_the_lease().await;

    account.submits("dev", |_| ()).await;
    let created = json!({
        "source": "aws.s3", "detail-type": "Object Created",
        "detail": {"bucket": {"name": BUCKET}, "object": {"key": "specs/dev.yaml"}},
    });
    tell(&account, &queue, &created.to_string()).await;
    eventually("the services are made", async || {
        account.service("dev-loan-api").await
    })
    .await;

    let scaled = account
        .ecs
        .update_service()
        .cluster(crate::account::CLUSTER);
    scaled
        .service("dev-auth")
        .desired_count(7)
        .send()
        .await
        .unwrap();
    let changed = json!({
        "source": "aws.ecs", "detail-type": "ECS Service Action",
        "resources": ["arn:aws:ecs:eu-central-1:123456789012:service/loans/dev-auth"],
    });
    tell(&account, &queue, "this is no event").await;
    tell(&account, &queue, &changed.to_string()).await;
    eventually("the count is put right", async || {
        let service = account.service("dev-auth").await?;
        (service.desired_count() == 1).then_some(())
    })
    .await;
    let metrics = controller.metrics().await;
    assert!(
        metrics.contains("loanctl_queue_messages_total 3"),
        "{metrics}"
    );
    assert!(
        metrics.contains("loanctl_queue_unknown_messages_total 1"),
        "{metrics}"
    );
    for of in ["specs", "platforms"] {
        let missed = format!("loanctl_missed_events_total{{of=\"{of}\"}} 0");
        assert!(metrics.contains(&missed), "{metrics}");
    }
}

async fn tell(account: &Account, queue: &str, body: &str) {
    account.emulators.send_message(queue, body).await.unwrap();
}
