//! Polls the settings, and puts what is valid into force.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use schema::names::{PlatformName, ServiceName};
use schema::settings::SettingsDocument;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Settings;
use super::judge::judge;
use super::source::{Fetched, SettingsSource, Version};
use crate::telemetry::metrics::Gauge;

/// Watches one settings document.
pub struct Watcher<S> {
    platform: PlatformName,
    service: ServiceName,
    source: Arc<dyn SettingsSource>,
    interval: Duration,
    gauges: SettingsGauges,
    report: Arc<Mutex<Report>>,
    seen: Option<Version>,
    settings: Option<Settings<S>>,
    /// What was logged last, so that a problem that lasts is logged once.
    logged: Option<String>,
}

/// Where it is shown which settings are in force.
#[derive(Clone, Debug)]
pub struct SettingsGauges {
    /// Term of the controller that wrote them.
    pub epoch: Gauge,
    /// Their sequence within the term.
    pub sequence: Gauge,
    /// Whether newer ones are refused, or there are none any more.
    pub refused: Gauge,
}

impl SettingsGauges {
    #[expect(
        clippy::cast_precision_loss,
        reason = "gauges; exact up to 2^53 changes"
    )]
    fn show(&self, epoch: u64, sequence: u64) {
        self.epoch.set(epoch as f64);
        self.sequence.set(sequence as f64);
        self.refused.set(0.0);
    }
}

/// What the admin port says about settings.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The document in force.
    pub in_force: Option<serde_json::Value>,
    /// The newest document, where it was refused.
    pub rejected: Option<Rejected>,
}

/// A refused document.
#[derive(Clone, Debug, Serialize)]
pub struct Rejected {
    /// Why.
    pub reason: String,
    /// When it was first seen.
    pub at: jiff::Timestamp,
}

impl<S: DeserializeOwned + Serialize + PartialEq + Clone> Watcher<S> {
    /// A watcher of the settings of `service` in `platform`. `gauges` show which are in force.
    pub fn new(
        platform: PlatformName,
        service: ServiceName,
        source: Arc<dyn SettingsSource>,
        interval: Duration,
        gauges: SettingsGauges,
    ) -> Self {
        Self {
            platform,
            service,
            source,
            interval,
            gauges,
            report: Arc::default(),
            seen: None,
            settings: None,
            logged: None,
        }
    }

    /// What the admin port says; kept current.
    #[must_use]
    pub fn report(&self) -> Arc<Mutex<Report>> {
        Arc::clone(&self.report)
    }

    /// Waits for the first valid settings.
    pub async fn first(&mut self) -> Settings<S> {
        loop {
            self.look().await;
            if let Some(settings) = &self.settings {
                return settings.clone();
            }
            tokio::time::sleep(self.interval).await;
        }
    }

    /// Watches for ever.
    pub async fn run(mut self) {
        loop {
            tokio::time::sleep(self.interval).await;
            self.look().await;
        }
    }

    /// Looks once, and puts what it finds into force or says why not.
    pub async fn look(&mut self) {
        match self.source.fetch(self.seen.as_ref()).await {
            Ok(Fetched::Unchanged) => {}
            Ok(Fetched::Document { version, content }) => {
                self.seen = Some(version);
                self.consider(&content);
            }
            Ok(Fetched::Missing) => self.lost("there is no settings document".to_owned()),
            Err(error) => self.lost(error.to_string()),
        }
    }

    fn consider(&mut self, content: &[u8]) {
        let in_force = self
            .settings
            .as_ref()
            .map(|settings| settings.load().order());
        match judge(content, &self.platform, self.service, in_force) {
            Ok(document) => self.take(document),
            Err(rejection) => self.refuse(rejection.to_string()),
        }
    }

    fn take(&mut self, document: SettingsDocument<S>) {
        self.gauges.show(document.epoch, document.sequence);
        *lock(&self.report) = Report {
            in_force: serde_json::to_value(&document).ok(),
            rejected: None,
        };
        tracing::info!(
            epoch = document.epoch,
            sequence = document.sequence,
            revision = document.revision,
            scoring_revision = document.scoring_revision,
            "settings in force"
        );
        self.logged = None;
        match &self.settings {
            Some(settings) if *settings.load() == document => {}
            Some(settings) => settings.replace(document),
            None => self.settings = Some(Settings::new(document)),
        }
    }

    /// Forgets what was seen, so that the document is judged anew when it is back.
    fn lost(&mut self, reason: String) {
        self.seen = None;
        self.refuse(reason);
    }

    fn refuse(&mut self, reason: String) {
        self.gauges.refused.set(1.0);
        if self.logged.as_ref() == Some(&reason) {
            return;
        }
        tracing::warn!(reason, "settings refused; the last good ones stay in force");
        lock(&self.report).rejected = Some(Rejected {
            reason: reason.clone(),
            at: jiff::Timestamp::now(),
        });
        self.logged = Some(reason);
    }
}

pub(crate) fn lock(report: &Mutex<Report>) -> std::sync::MutexGuard<'_, Report> {
    // Only whole values are stored while it is held.
    report.lock().unwrap_or_else(PoisonError::into_inner)
}
