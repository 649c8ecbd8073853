//! A bad spec harms nothing.

use std::time::Duration;

use schema::status::HistoryKind;

use crate::laptop::Laptop;
use crate::load::{Client, Load};
use crate::spec::Spec;
use crate::view::View;

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_edit_is_refused_with_its_place_and_fixing_it_clears_that() {
    let good = Spec::new();
    let laptop = Laptop::with(&good).await;
    let load = Load::start(&laptop.endpoint(), 20).await;

    let bad = good.with("maxAttempts: 2", "maxAttempts: many");
    laptop.save(&bad);
    let refused = laptop
        .wait("a refusal", |it| it.holds("Stalled").is_some())
        .await;

    let place = place_of(&bad, "many");
    let (reason, message) = refused.holds("Stalled").expect("stalled");
    assert_eq!(reason, "InvalidSpec");
    let start = format!("local.yaml:{place}: ");
    let (file, _) = message.split_once(':').expect("a file");
    assert!(
        message[file.len()..].starts_with(&format!(":{place}: ")),
        "{message}"
    );
    assert!(file.ends_with("local.yaml"), "{message}");
    assert!(laptop.print(&["status", "local"]).contains(&start));
    assert!(laptop.log().contains(&start), "`{start}` is not in the log");
    assert_eq!(refused.status.last_good_generation, Some(1));
    let client = Client::new(&laptop.endpoint()).await;
    assert_eq!(client.apply("grace").await.unwrap().0, 200);

    laptop.save(&good);
    let fixed = laptop
        .wait("the refusal to be cleared", |it| {
            it.generation() == 3 && it.is_ready()
        })
        .await;
    assert!(fixed.holds("Stalled").is_none());
    assert_eq!(fixed.entries(HistoryKind::SpecRefused).len(), 1);
    let load = load.all();
    assert_eq!(load.failed, 0, "{load}\n{:#?}", load.failures);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_written_in_place_is_never_refused_for_its_missing_half() {
    let laptop = Laptop::with(&Spec::new()).await;

    for (number, pause_ms) in [0, 5, 20, 50, 100].into_iter().enumerate() {
        let threshold = format!("threshold: {}", 21 + number);
        let edit = Spec::new().with("threshold: 20", &threshold);
        edit.save_in_place(&laptop.spec_file(), Duration::from_millis(pause_ms));
        laptop
            .wait("the whole file to be accepted", |it| {
                let alarm = it.spec.as_ref().and_then(|spec| spec.alarms.first());
                alarm.is_some_and(|alarm| format!("threshold: {}", alarm.threshold) == threshold)
            })
            .await;
    }

    let platform = laptop.platform().await;
    let refusals = platform.entries(HistoryKind::SpecRefused);
    assert!(refusals.is_empty(), "{refusals:#?}");
}

/// `LINE:COLUMN` of `text`, which stands in `spec` once.
fn place_of(spec: &Spec, text: &str) -> String {
    let before = spec.text().split_once(text).expect("it stands there").0;
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .map_or(0, |start| start.chars().count())
        + 1;
    format!("{line}:{column}")
}
