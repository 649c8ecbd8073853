//! The settings that tasks report, which ECS knows nothing of.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use engine::ports::{PortError, Urgency};
use schema::names::{PlatformName, ServiceName};

use super::place::Place;

/// `(epoch, sequence)` of settings, by service.
pub(crate) type Lowest = BTreeMap<(PlatformName, ServiceName), (u64, u64)>;

/// Tells the settings that tasks report.
#[async_trait]
pub(crate) trait SettingsReports: Debug + Send + Sync {
    /// The lowest `(epoch, sequence)` that any task of each service of `platforms` reports; services of which
    /// none is known are left out.
    ///
    /// # Errors
    /// When it cannot be found out for now.
    async fn lowest(
        &self,
        platforms: &BTreeSet<PlatformName>,
        urgency: Urgency,
    ) -> Result<Lowest, PortError>;
}

/// The settings that tasks report, asked for only where something moves.
#[derive(Debug)]
pub(crate) struct Reports {
    source: Arc<dyn SettingsReports>,
    known: Mutex<Lowest>,
}

impl Reports {
    pub(crate) fn new(source: Arc<dyn SettingsReports>) -> Self {
        Self {
            source,
            known: Mutex::default(),
        }
    }

    /// Brings what is known of `platforms` up to date, where something moves or nothing is known.
    ///
    /// What cannot be found out stays as it was: services are kept as they should be all the same, and what
    /// waits for settings waits a little longer.
    pub(crate) async fn refresh(&self, platforms: &BTreeSet<PlatformName>, urgency: Urgency) {
        if urgency < Urgency::Edit && self.knows_all(platforms) {
            return;
        }
        match self.source.lowest(platforms, urgency).await {
            Ok(reported) => self.learn(reported),
            Err(error) => {
                tracing::warn!(%error, "Which settings tasks report is taken to be as it was.");
            }
        }
    }

    /// What the tasks of `place` are known to report.
    pub(crate) fn of(&self, place: &Place) -> Option<(u64, u64)> {
        let key = (place.platform.clone(), place.service);
        self.lock().get(&key).copied()
    }

    /// The service of `place` is gone: another of its name starts afresh.
    pub(crate) fn forget(&self, place: &Place) {
        self.lock().remove(&(place.platform.clone(), place.service));
    }

    /// Tasks never take older settings, so a lower report is an older one.
    fn learn(&self, reported: Lowest) {
        let mut known = self.lock();
        for (service, order) in reported {
            let newest = known.entry(service).or_insert(order);
            *newest = (*newest).max(order);
        }
    }

    fn knows_all(&self, platforms: &BTreeSet<PlatformName>) -> bool {
        let known = self.lock();
        let knows = |platform: &PlatformName, service| {
            let key = (platform.clone(), service);
            known.contains_key(&key)
        };
        let mut platforms = platforms.iter();
        platforms.all(|platform| {
            ServiceName::ALL
                .iter()
                .any(|service| knows(platform, *service))
        })
    }

    fn lock(&self) -> MutexGuard<'_, Lowest> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::ecs::fixture::{dev, place};

    /// Reports its own sequence for scoring, and counts how often it was asked.
    #[derive(Debug, Default)]
    struct Scripted {
        sequence: AtomicU64,
        asked: AtomicU64,
    }

    #[async_trait]
    impl SettingsReports for Scripted {
        async fn lowest(
            &self,
            platforms: &BTreeSet<PlatformName>,
            _: Urgency,
        ) -> Result<Lowest, PortError> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            let sequence = self.sequence.load(Ordering::Relaxed);
            let of =
                |platform: &PlatformName| ((platform.clone(), ServiceName::Scoring), (1, sequence));
            Ok(platforms.iter().map(of).collect())
        }
    }

    #[tokio::test]
    async fn a_look_where_nothing_moves_asks_nobody() {
        let source = Arc::new(Scripted::default());
        let reports = Reports::new(Arc::clone(&source) as Arc<dyn SettingsReports>);
        let (platforms, scoring) = (BTreeSet::from([dev()]), place(ServiceName::Scoring));
        source.sequence.store(4, Ordering::Relaxed);
        for (urgency, asked) in [
            (Urgency::Resync, 1),
            (Urgency::Resync, 1),
            (Urgency::Edit, 2),
            (Urgency::Resync, 2),
            (Urgency::Rollback, 3),
        ] {
            reports.refresh(&platforms, urgency).await;
            assert_eq!(source.asked.load(Ordering::Relaxed), asked, "{urgency:?}");
            assert_eq!(reports.of(&scoring), Some((1, 4)));
        }
    }

    #[tokio::test]
    async fn a_lower_report_is_an_older_one_until_the_service_is_gone() {
        let source = Arc::new(Scripted::default());
        let reports = Reports::new(Arc::clone(&source) as Arc<dyn SettingsReports>);
        let (platforms, scoring) = (BTreeSet::from([dev()]), place(ServiceName::Scoring));
        for (reported, known) in [(4, 4), (3, 4), (5, 5)] {
            source.sequence.store(reported, Ordering::Relaxed);
            reports.refresh(&platforms, Urgency::Edit).await;
            assert_eq!(reports.of(&scoring), Some((1, known)));
        }
        reports.forget(&scoring);
        source.sequence.store(1, Ordering::Relaxed);
        reports.refresh(&platforms, Urgency::Edit).await;
        assert_eq!(reports.of(&scoring), Some((1, 1)));
    }
}
