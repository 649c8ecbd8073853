//! A remedy answers one firing of its alarm, adds no more tasks than it may, and is over when its time is.

use std::time::Duration;

use engine::ports::ServiceChange;
use engine::state::PlatformState;
use schema::names::ServiceName;
use schema::platform::Alarm;
use schema::status::{AlarmState, HistoryKind};

use super::{Event, Invariant};
use crate::world::{Land, Service, news};

/// Remedies that began, and the time for which a controller could have ended one that is over.
#[derive(Debug, Default)]
pub(super) struct RemediesEnd {
    begun: usize,
    overdue: Duration,
}

/// Time in which a controller that can work must have ended what is over.
const BOUND: Duration = Duration::from_secs(300);

impl Invariant for RemediesEnd {
    fn name(&self) -> &'static str {
        "remedies-end"
    }

    fn watch(&mut self, event: &Event<'_>, land: &Land) -> Result<(), String> {
        match event {
            Event::Saved { before, after, .. } => self.count(*before, after, land),
            Event::Landing(_, crate::world::Call::Apply(change)) => adds_few(change, land),
            Event::Tick { step, able } => self.wait(*step, *able, land),
            _ => Ok(()),
        }
    }
}

impl RemediesEnd {
    /// Each firing begins one remedy of a kind at most.
    fn count(
        &mut self,
        before: Option<&PlatformState>,
        after: &PlatformState,
        land: &Land,
    ) -> Result<(), String> {
        let begun = news(before, after).filter(|it| it.kind == HistoryKind::RemedyStarted);
        self.begun += begun.count();
        let transitions = land.ledger.transitions.iter();
        let firings = transitions.filter(|it| it.to == AlarmState::Alarm).count();
        // The second alarm may have both done at once.
        if self.begun > firings * 2 {
            let begun = self.begun;
            return Err(format!("{begun} remedies for {firings} firings"));
        }
        Ok(())
    }

    fn wait(&mut self, step: Duration, able: bool, land: &Land) -> Result<(), String> {
        let now = land.now();
        let state = land.ledger.state.as_ref();
        let remedies = state.into_iter().flat_map(|it| &it.remedies);
        let is_late = remedies.clone().any(|it| it.until <= now);
        let is_kept = state.is_none_or(|it| it.removed_at.is_some());
        if !is_late || is_kept {
            self.overdue = Duration::ZERO;
        } else if able {
            self.overdue += step;
        }
        if self.overdue > BOUND {
            return Err(format!(
                "it is not over: {:?}",
                remedies.collect::<Vec<_>>()
            ));
        }
        Ok(())
    }
}

/// No count goes beyond what spec, remedy and whoever was there before ask for.
fn adds_few(change: &ServiceChange, land: &Land) -> Result<(), String> {
    let ServiceChange::Scale { service, count, .. } = change else {
        return Ok(());
    };
    let Some(state) = &land.ledger.state else {
        return Ok(());
    };
    let specs = state
        .accepted
        .iter()
        .map(|it| &it.spec)
        .chain(&state.enforced);
    let allowed = specs.filter_map(|spec| {
        let workload = spec.services.workload(*service)?;
        let fixed = workload.desired_count.map(schema::units::Whole::get);
        let range = workload.scaling.map(|it| it.max_capacity.get());
        let most = spec
            .alarms
            .iter()
            .filter_map(|it| boosted(it, *service))
            .max();
        [fixed, range, most].into_iter().max()?
    });
    let found = land.fleet.service(*service).map(Service::desired);
    match allowed.chain(found).max() {
        Some(most) if *count > most => Err(format!("`{change}`, and {most} are the most")),
        _ => Ok(()),
    }
}

fn boosted(alarm: &Alarm, service: ServiceName) -> Option<u32> {
    let boost = alarm.scale_out.filter(|it| it.service == service)?;
    Some(boost.max_count.get())
}
