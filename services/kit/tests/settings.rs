//! The settings watcher, on real files.
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::path::Path;
use std::time::Duration;

use schema::names::{PlatformName, ServiceName};
use schema::settings::AuthSettings;
use schema::signals::Metric;
use serde_json::json;
use service_kit::Metrics;
use service_kit::settings::{Settings, SettingsGauges, Watcher, source_of};
use tempfile::TempDir;
use url::Url;

struct Watched {
    folder: TempDir,
    watcher: Watcher<AuthSettings>,
    settings: Settings<AuthSettings>,
}

fn document(sequence: u64, lifetime: &str) -> String {
    json!({
        "platform": "local", "service": "auth", "epoch": 1, "sequence": sequence,
        "revision": format!("revision-{sequence}"), "scoringRevision": "none",
        "settings": {"tokenLifetime": lifetime},
    })
    .to_string()
}

fn watcher(path: &Path) -> Watcher<AuthSettings> {
    let platform: PlatformName = "local".try_into().unwrap();
    let own = Metrics::new(&platform, ServiceName::Auth).own();
    let gauges = SettingsGauges {
        epoch: own.gauge(Metric::SettingsEpoch),
        sequence: own.gauge(Metric::SettingsSequence),
        refused: own.gauge(Metric::SettingsRefused),
    };
    let source = source_of(&Url::from_file_path(path).unwrap()).unwrap();
    let interval = Duration::from_millis(10);
    Watcher::new(platform, ServiceName::Auth, source, interval, gauges)
}

impl Watched {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("auth.json");
        std::fs::write(&path, document(5, "1h")).unwrap();
        let mut watcher = watcher(&path);
        let settings = watcher.first().await;
        Self {
            folder,
            watcher,
            settings,
        }
    }

    async fn write(&mut self, content: &str) {
        std::fs::write(self.folder.path().join("auth.json"), content).unwrap();
        self.watcher.look().await;
    }

    fn lifetime(&self) -> String {
        self.settings.load().settings.token_lifetime.to_string()
    }

    fn rejected(&self) -> Option<String> {
        let report = self.watcher.report();
        let report = report.lock().unwrap();
        report
            .rejected
            .as_ref()
            .map(|rejected| rejected.reason.clone())
    }
}

#[tokio::test]
async fn a_newer_document_is_in_force_at_once_and_subscribers_hear_of_it() {
    let mut watched = Watched::new().await;
    let mut changes = watched.settings.watch();
    watched.write(&document(6, "2h")).await;
    assert_eq!(watched.lifetime(), "2h");
    assert!(changes.has_changed().unwrap());
    assert_eq!(changes.borrow_and_update().sequence, 6);
}

#[tokio::test]
async fn a_lower_sequence_is_refused_and_the_newer_one_stays() {
    let mut watched = Watched::new().await;
    watched.write(&document(4, "2h")).await;
    assert_eq!(watched.lifetime(), "1h");
    assert!(watched.rejected().unwrap().contains("sequence 4 is below"));
}

#[tokio::test]
async fn invariant_16_invalid_settings_keep_the_last_good_ones_until_they_are_mended() {
    let mut watched = Watched::new().await;
    for broken in [
        document(6, "1s"),
        "{".to_owned(),
        String::new(),
        document(6, "2h").replace("tokenLifetime", "tokenLifetimes"),
    ] {
        watched.write(&broken).await;
        assert_eq!(watched.lifetime(), "1h", "{broken}");
        assert!(watched.rejected().is_some(), "{broken}");
    }
    watched.write(&document(6, "2h")).await;
    assert_eq!(watched.lifetime(), "2h");
    assert_eq!(watched.rejected(), None);
}

#[tokio::test]
async fn invariant_16_a_document_that_disappears_leaves_its_settings_in_force() {
    let mut watched = Watched::new().await;
    std::fs::remove_file(watched.folder.path().join("auth.json")).unwrap();
    watched.watcher.look().await;
    assert_eq!(watched.lifetime(), "1h");
    assert!(watched.rejected().is_some());
    watched.write(&document(5, "1h")).await;
    assert_eq!(watched.rejected(), None);
}

#[tokio::test]
async fn the_first_valid_document_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("auth.json");
    let mut watcher = watcher(&path);
    let mut first = Box::pin(watcher.first());
    assert!(futures::poll!(&mut first).is_pending());
    std::fs::write(&path, document(1, "1h")).unwrap();
    let settings = tokio::time::timeout(Duration::from_secs(20), first)
        .await
        .unwrap();
    assert_eq!(settings.load().sequence, 1);
}
