//! Alarms on this machine: CloudWatch's rules on the metrics of the local processes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use cloudwatch_rules::{AlarmBook, MetricStore, Snapshot, Transition, trends};
use engine::clock::Clock;
use engine::ports::{
    AlarmDefinition, Alarms, BakeEvidence, ObservedAlarm, Permit, PortError, Seen, TREND_MINUTES,
    Trend, Urgency,
};
use jiff::Timestamp;
use schema::names::PlatformName;
use schema::platform::AlarmName;
use tokio::sync::broadcast;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use crate::state_dir::{RecordError, read_record, write_record};

/// How often alarms are looked at. They are judged once per period; this only bounds how late.
const TICK: Duration = Duration::from_secs(1);
/// Time that values have to come in after their period has ended: services emit every second, and
/// their lines pass a pipe and a queue.
const INGESTION_ALLOWANCE_MS: u32 = 2_000;
const INGESTION_ALLOWANCE: Duration = Duration::from_millis(INGESTION_ALLOWANCE_MS as u64);
/// How far trends go back.
const TREND_LENGTH: Duration = Duration::from_mins(TREND_MINUTES as u64);
/// Transitions that a slow subscriber may lag behind. It is told that it missed some.
const HINTS_KEPT: usize = 64;

/// The engine's [`Alarms`] on a [`MetricStore`].
///
/// Definitions, states and transitions are kept in `local/alarms.json` of the state directory. It is
/// written when one of them changes, never for values alone. Judging ends when this is dropped.
///
/// # Guarantees
/// A definition is on disk when `put` returns. What a restart does to states: see [`AlarmBook`].
#[derive(Debug)]
pub struct LocalAlarms {
    desk: Arc<Desk>,
    ticking: JoinHandle<()>,
}

impl LocalAlarms {
    /// Takes the saved alarms up again and starts judging them, every second. Must be called within a
    /// tokio runtime.
    ///
    /// # Errors
    /// When the saved alarms cannot be read or understood, or their folder cannot be made.
    pub fn start(metrics: Arc<MetricStore>, state_dir: &Path) -> Result<Self, RecordError> {
        Self::start_with(metrics, state_dir, Clock::system())
    }

    fn start_with(
        metrics: Arc<MetricStore>,
        state_dir: &Path,
        clock: Clock,
    ) -> Result<Self, RecordError> {
        let file = saved_at(state_dir)?;
        let book = read_record::<Snapshot>(&file)?.map_or_else(
            || AlarmBook::new(INGESTION_ALLOWANCE_MS),
            |saved| AlarmBook::restore(saved, INGESTION_ALLOWANCE_MS, clock.now()),
        );
        let desk = Arc::new(Desk {
            metrics,
            book: Mutex::new(book),
            file,
            saving: Arc::default(),
            unsaved: AtomicBool::new(false),
            hints: broadcast::Sender::new(HINTS_KEPT),
            clock,
        });
        let ticking = tokio::spawn(tick_for_ever(Arc::clone(&desk)));
        Ok(Self { desk, ticking })
    }

    /// Transitions from now on, each as soon as it is saved: hints for whoever would otherwise poll.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Transition> {
        self.desk.hints.subscribe()
    }

    /// The transitions of an alarm that are still remembered, oldest first.
    #[must_use]
    pub fn history(&self, platform: &PlatformName, name: &AlarmName) -> Vec<Transition> {
        self.desk.book().history(platform, name).cloned().collect()
    }
}

impl Drop for LocalAlarms {
    fn drop(&mut self) {
        self.ticking.abort();
    }
}

#[async_trait]
impl Alarms for LocalAlarms {
    async fn observe(
        &self,
        platforms: &BTreeSet<PlatformName>,
        _: Urgency,
    ) -> Result<Seen<ObservedAlarm>, PortError> {
        Ok(Seen {
            at: self.desk.clock.now(),
            found: self.desk.book().observe(platforms),
        })
    }

    async fn put(&self, definition: &AlarmDefinition, _: Permit) -> Result<(), PortError> {
        let AlarmDefinition { platform, name, .. } = definition;
        let action = || format!("write alarm {platform}/{name}");
        let now = self.desk.clock.now();
        let written = self.desk.book().put(definition, now);
        written.map_err(|full| PortError::refused(action(), full.to_string()))?;
        let saved = self.desk.save().await;
        saved.map_err(|error| PortError::unavailable(action(), error))
    }

    async fn delete(
        &self,
        platform: &PlatformName,
        name: &AlarmName,
        _: Permit,
    ) -> Result<(), PortError> {
        self.desk.book().delete(platform, name);
        let saved = self.desk.save().await;
        saved.map_err(|error| {
            PortError::unavailable(format!("delete alarm {platform}/{name}"), error)
        })
    }

    async fn evidence(
        &self,
        platform: &PlatformName,
        since: Timestamp,
        _: Urgency,
    ) -> Result<BakeEvidence, PortError> {
        let book = self.desk.book();
        Ok(book.evidence(&self.desk.metrics, platform, since))
    }

    async fn trends(&self, platform: &PlatformName) -> Result<Vec<Trend>, PortError> {
        let until = self.desk.clock.now() - INGESTION_ALLOWANCE;
        let from = until - TREND_LENGTH;
        let alarms = self
            .desk
            .book()
            .observe(&BTreeSet::from([platform.clone()]));
        let metrics = &self.desk.metrics;
        let mut shown: Vec<Trend> = alarms
            .iter()
            .map(|alarm| trends::of_alarm(metrics, &alarm.definition, from, until))
            .collect();
        shown.extend(trends::golden(metrics, platform, from, until));
        Ok(shown)
    }
}

/// What the port and the ticking task share.
#[derive(Debug)]
struct Desk {
    metrics: Arc<MetricStore>,
    book: Mutex<AlarmBook>,
    file: PathBuf,
    /// Held while the file is written, by the thread that writes it: a caller that goes away leaves
    /// no half-written file to the next.
    saving: Arc<tokio::sync::Mutex<()>>,
    /// Whether the last attempt to save failed.
    unsaved: AtomicBool,
    hints: broadcast::Sender<Transition>,
    clock: Clock,
}

impl Desk {
    /// A panic while the lock was held leaves at worst one alarm that is judged again.
    fn book(&self) -> MutexGuard<'_, AlarmBook> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Judges what is due, saves what changed, then tells of it.
    async fn tick(&self) {
        let now = self.clock.now();
        let transitions = self.book().tick(&self.metrics, now);
        for transition in &transitions {
            tell(transition);
        }
        let to_save = !transitions.is_empty() || self.unsaved.load(Ordering::Relaxed);
        if to_save && let Err(error) = self.save().await {
            tracing::warn!(%error, "alarm states are not saved; trying again in a second");
        }
        for transition in transitions {
            // Nobody listening is no error.
            let _receivers = self.hints.send(transition);
        }
    }

    async fn save(&self) -> Result<(), RecordError> {
        let turn = Arc::clone(&self.saving).lock_owned().await;
        let snapshot = self.book().snapshot();
        let file = self.file.clone();
        let writing = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            write_record(&file, &snapshot)
        });
        // The thread cannot be cancelled once it runs, and a runtime that shuts down before it ran
        // leaves the file as it was.
        let outcome = writing.await.unwrap_or_else(|error| {
            Err(RecordError::File {
                action: "write",
                path: self.file.clone(),
                source: std::io::Error::other(error),
            })
        });
        self.unsaved.store(outcome.is_err(), Ordering::Relaxed);
        outcome
    }
}

async fn tick_for_ever(desk: Arc<Desk>) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        desk.tick().await;
    }
}

fn tell(transition: &Transition) {
    let Transition {
        platform,
        name,
        from,
        to,
        at,
        reason,
        ..
    } = transition;
    tracing::info!(%platform, alarm = %name, ?from, ?to, %at, reason, "alarm changed its state");
}

/// Where alarms are saved; its folder is made where it is missing.
fn saved_at(state_dir: &Path) -> Result<PathBuf, RecordError> {
    let folder = state_dir.join("local");
    std::fs::create_dir_all(&folder).map_err(|source| RecordError::File {
        action: "make",
        path: folder.clone(),
        source,
    })?;
    Ok(folder.join("alarms.json"))
}

#[cfg(test)]
mod tests;
