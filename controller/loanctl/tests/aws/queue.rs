//! With a queue nothing waits for the next poll.

use crate::account::{Account, eventually};
use crate::controller::Controller;
use crate::events::Events;

/// Polls that no test waits for.
const HARDLY_POLLING: [&str; 4] = ["--poll", "1h", "--resync", "1h"];

#[tokio::test]
async fn what_the_queue_tells_of_is_looked_at_at_once() {
    let account = Account::opens().await;
    let events = Events::of(&account).await;
    let args = [HARDLY_POLLING.as_slice(), &["--queue", events.queue()]].concat();
    let controller = Controller::starts_with(&account.emulators, &args).await;
    controller.holds_the_lease().await;

    account.submits("dev", |_| ()).await;
    events.written(&account, "specs/dev.yaml").await;
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
    events.tell(&account, "this is no event").await;
    events.service_changed(&account, "dev-auth").await;
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
