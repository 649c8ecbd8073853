//! What an alarm has done for a while, on real processes.

use engine::board::PlatformObject;
use schema::status::HistoryKind;

use crate::laptop::Laptop;
use crate::load::Load;
use crate::spec::Spec;
use crate::view::{View, serves};

/// An alarm that any traffic makes fire, once.
const ALARM: &str = "
    - name: loan-api-late
      signal: LoanApiLatencyP99
      threshold: 0
      period: 10s
      treatMissingData: NotBreaching
      onAlarm: [ScaleOut, ForceBreakerOpen, Notify]
      scaleOut: {service: loanApi, step: 1, maxCount: 4, cooldown: 10s, for: 20s}
      forceBreakerOpen: {service: scoring, client: provider, for: 10s}
";

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_adds_a_process_and_holds_a_breaker_open_until_its_time_is_over() {
    let spec = Spec::new().with("  alarms:\n", &format!("  alarms:{ALARM}"));
    let laptop = Laptop::with(&spec).await;
    let before = laptop.platform().await;
    let settings = |it: &PlatformObject| it.service("scoring").settings_revision.clone();
    let load = Load::start(&laptop.endpoint(), 20).await;

    let boosted = laptop
        .wait("another process of the loan API", |it| {
            serves(it.service("loan-api"), 3)
        })
        .await;
    assert_eq!(boosted.status.remedies.len(), 2, "{boosted:#?}");
    assert!(laptop.print(&["status", "local"]).contains("REMEDY"));
    assert_ne!(settings(&boosted), settings(&before));
    let revision = |it: &PlatformObject| it.status.scoring.live_revision.clone();
    assert_eq!(revision(&boosted), revision(&before));

    let after = laptop
        .wait("the spec's count and settings again", |it| {
            serves(it.service("loan-api"), 2) && settings(it) == settings(&before)
        })
        .await;
    for (kind, times) in [
        (HistoryKind::RemedyStarted, 2),
        (HistoryKind::RemedyEnded, 2),
        (HistoryKind::Notified, 1),
    ] {
        assert_eq!(after.entries(kind).len(), times, "{after:#?}");
    }
    assert!(after.status.remedies.is_empty());
    let all = load.all();
    println!("load: {all}");
    assert_eq!(all.failed, 0, "{all}\n{:#?}", all.failures);
}
