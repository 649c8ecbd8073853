//! A change is promoted only when it was watched for its whole bake, with samples, and nothing fired.

use std::collections::BTreeSet;
use std::time::Duration;

use engine::state::{ChangeRecord, PlatformState, ScoringState};
use jiff::Timestamp;
use schema::LoanPlatformSpec;
use schema::platform::Alarm;
use schema::revision::RevisionDigest;
use schema::status::{AlarmState, HistoryEntry, HistoryKind, Phase};

use super::{Event, Invariant};
use crate::timeline::{between, earlier};
use crate::world::{Land, is_bad, news};

/// How much the engine's looks may differ from the world's: two of its rounds.
const TOLERANCE: Duration = Duration::from_secs(30);

/// Since when the revision in force was judged without a gap, by the world's own watch.
#[derive(Debug, Default)]
pub(super) struct PromotedOnlyWithData {
    watched: Duration,
    since: Option<Timestamp>,
}

impl Invariant for PromotedOnlyWithData {
    fn name(&self) -> &'static str {
        "promoted-only-with-data"
    }

    fn watch(&mut self, event: &Event<'_>, land: &Land) -> Result<(), String> {
        match event {
            Event::Tick { step, .. } => {
                self.count(*step, land);
                Ok(())
            }
            Event::Saved { before, after, .. } => {
                let promoted = news(*before, after)
                    .find(|it| it.kind == HistoryKind::Promoted && it.reason == "BakePassed");
                promoted.map_or(Ok(()), |entry| self.examine(entry, after, land))
            }
            _ => Ok(()),
        }
    }
}

impl PromotedOnlyWithData {
    /// Counts time in which the same revision was live everywhere and its guards could judge.
    fn count(&mut self, step: Duration, land: &Land) {
        let since = land.ledger.live.as_ref().map(|(_, since)| *since);
        if since != self.since {
            self.since = since;
            self.watched = Duration::ZERO;
        }
        let Some(state) = &land.ledger.state else {
            return;
        };
        let Some(judged) = judged_change(&state.scoring) else {
            return;
        };
        let guards: BTreeSet<_> = judged.baseline.keys().collect();
        let found = land.monitor.observed();
        let judges = |name: &&_| {
            let mut found = found.iter();
            found.any(|it| it.definition.name == **name && it.state != AlarmState::InsufficientData)
        };
        if guards.iter().all(judges) {
            self.watched += step;
        }
    }

    fn examine(
        &self,
        entry: &HistoryEntry,
        state: &PlatformState,
        land: &Land,
    ) -> Result<(), String> {
        let revision = RevisionDigest(entry.to.clone().unwrap_or_default());
        let accepted = state.accepted.as_ref().ok_or("nothing is accepted")?;
        let live = land.ledger.live.as_ref();
        let since = live.filter(|(live, _)| *live == revision).map(|it| it.1);
        let since = since
            .ok_or_else(|| format!("{} is promoted and not live everywhere", revision.short()))?;
        self.was_watched(&accepted.spec, state)?;
        had_samples(&accepted.spec, since, land)?;
        nothing_fired(&accepted.spec, state, since, land)?;
        is_no_known_evil(&revision, state, since, land)
    }

    fn was_watched(&self, spec: &LoanPlatformSpec, state: &PlatformState) -> Result<(), String> {
        // By whichever spec the engine goes while new changes are held.
        let enforced = state.enforced.as_deref().unwrap_or(spec);
        let bake = spec
            .rollout
            .bake_time
            .get()
            .min(enforced.rollout.bake_time.get());
        if self.watched + TOLERANCE >= bake {
            return Ok(());
        }
        Err(format!(
            "it is promoted after {} s of watching, and its bake is {} s",
            self.watched.as_secs(),
            bake.as_secs()
        ))
    }
}

/// The change that is in force and watched: the one under way, or, while a newer one waits in preflight, the
/// one that it would replace.
fn judged_change(scoring: &ScoringState) -> Option<&ChangeRecord> {
    match scoring.phase {
        Phase::Applying | Phase::Baking | Phase::Inconclusive => scoring.change.as_ref(),
        Phase::Preflight => scoring.standing.as_ref(),
        _ => None,
    }
}

fn had_samples(spec: &LoanPlatformSpec, since: Timestamp, land: &Land) -> Result<(), String> {
    let served = land.ledger.served_since(since);
    let calls: u64 = served.map(|(_, sample)| u64::from(sample.calls)).sum();
    let needed = u64::from(spec.rollout.min_samples.get());
    if calls < needed {
        return Err(format!(
            "it is promoted after {calls} calls, and needs {needed}"
        ));
    }
    spec.gating_alarms()
        .into_iter()
        .try_for_each(|alarm| had_datapoints(alarm, since, land))
}

/// Enough periods of `alarm` had as many calls as it asks for.
fn had_datapoints(alarm: &Alarm, since: Timestamp, land: &Land) -> Result<(), String> {
    let period_ms = i64::try_from(alarm.period.as_millis()).unwrap_or(i64::MAX);
    let mut by_period = std::collections::BTreeMap::new();
    for (at, sample) in land.ledger.served_since(since) {
        let period = at.as_millisecond().div_euclid(period_ms);
        *by_period.entry(period).or_insert(0_u32) += sample.calls;
    }
    let guard = alarm.min_samples.get().max(1);
    let judged = by_period.values().filter(|calls| **calls >= guard).count();
    let needed = alarm.evaluation_periods.get() as usize;
    if judged < needed {
        return Err(format!(
            "it is promoted with {judged} datapoints of alarm {}, which looks at {needed}",
            alarm.name
        ));
    }
    Ok(())
}

fn nothing_fired(
    spec: &LoanPlatformSpec,
    state: &PlatformState,
    since: Timestamp,
    land: &Land,
) -> Result<(), String> {
    let Some(change) = &state.scoring.change else {
        return Ok(());
    };
    if change.target.is_none() {
        return Ok(());
    }
    for alarm in spec.gating_alarms() {
        let muted = land.monitor.alarm(&alarm.name).is_none_or(|it| it.muted);
        let judges = change.baseline.contains_key(&alarm.name);
        let now = land.now();
        // What fires while the state is being written is for the next round.
        let fired = land
            .ledger
            .firings(&alarm.name, since)
            .find(|moved| between(moved.at, now) > TOLERANCE);
        if let Some(fired) = fired.filter(|_| judges && !muted) {
            return Err(format!(
                "it is promoted although alarm {} fired at {:.0} within its bake",
                alarm.name, fired.at
            ));
        }
    }
    Ok(())
}

/// A revision under which most calls failed is not good. What began to fail so late that no guard could
/// have spoken yet counts for later.
fn is_no_known_evil(
    revision: &RevisionDigest,
    state: &PlatformState,
    since: Timestamp,
    land: &Land,
) -> Result<(), String> {
    let content = state.scoring.revision(revision);
    let first = state
        .scoring
        .change
        .as_ref()
        .is_none_or(|it| it.target.is_none());
    if first || !content.is_some_and(is_bad) || guards_were_muted(since, land) {
        return Ok(());
    }
    let spoken = earlier(land.now(), slowest_guard(state));
    let (mut calls, mut failures) = (0_u64, 0_u64);
    let served = land.ledger.served_since(since);
    for (_, sample) in served.filter(|(at, _)| *at <= spoken) {
        calls += u64::from(sample.calls);
        failures += u64::from(sample.failures);
    }
    if failures * 2 > calls {
        return Err(format!(
            "{} is promoted, under which {failures} of {calls} calls failed",
            revision.short()
        ));
    }
    Ok(())
}

/// How long the slowest guard takes to speak: its window, two periods more, and CloudWatch's delay.
fn slowest_guard(state: &PlatformState) -> Duration {
    let specs = state.accepted.iter().map(|it| &it.spec);
    let guards = specs.flat_map(|spec| spec.gating_alarms());
    let slowest = guards.map(|alarm| alarm.window_ms() + 2 * alarm.period.as_millis());
    Duration::from_millis(slowest.max().unwrap_or(0)) + TOLERANCE
}

/// Whether somebody had switched a guard's actions off: it then does not count.
fn guards_were_muted(since: Timestamp, land: &Land) -> bool {
    let meanwhile = land.ledger.muted_at.is_some_and(|at| at >= since);
    meanwhile || land.monitor.observed().iter().any(|alarm| alarm.muted)
}
