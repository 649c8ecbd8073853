//! The pasts of many alarms: what is remembered of each, and the histories that have to be read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use engine::ports::{AlarmDefinition, ObservedAlarm, PortError, Remedy, Urgency};
use futures::stream::{self, StreamExt};
use jiff::Timestamp;

use super::history::{self, Moves};
use super::names;
use super::past::{self, Known, Past};
use crate::caller::Caller;

/// Histories read in one look. The others vouch for nothing until a later one.
const MAX_HISTORIES: usize = 50;
/// Histories read at once.
const AT_ONCE: usize = 8;

/// What is known of alarms from earlier looks.
///
/// # Bounds
/// Alarms that are gone are forgotten with every listing.
#[derive(Debug, Default)]
pub(super) struct Pasts(Mutex<BTreeMap<String, Known>>);

/// An alarm whose history has to be read.
struct Unread {
    place: usize,
    name: String,
    definition: AlarmDefinition,
    from: Timestamp,
}

impl Unread {
    async fn moves(
        self,
        client: &aws_sdk_cloudwatch::Client,
        caller: &Caller,
        urgency: Urgency,
    ) -> (Self, Result<Moves, PortError>) {
        let (name, definition) = (&self.name, &self.definition);
        let moves = history::moves(client, caller, name, definition, self.from, urgency).await;
        (self, moves)
    }
}

impl Pasts {
    /// Fills in the pasts of `alarms`, seen at `at`.
    ///
    /// A history that cannot be read for now leaves its alarm without a past, and does not hold the others up.
    ///
    /// # Errors
    /// When histories cannot be read until a person does something.
    pub(super) async fn fill_in(
        &self,
        alarms: &mut [ObservedAlarm],
        at: Timestamp,
        client: &aws_sdk_cloudwatch::Client,
        caller: &Caller,
        urgency: Urgency,
    ) -> Result<(), PortError> {
        let mut unread = self.recall(alarms, at);
        let later = unread.split_off(unread.len().min(MAX_HISTORIES));
        let histories = stream::iter(unread)
            .map(|unread| unread.moves(client, caller, urgency))
            .buffer_unordered(AT_ONCE)
            .collect::<Vec<_>>();
        for (unread, moves) in histories.await {
            self.read(&mut alarms[unread.place], unread.from, moves, at)?;
        }
        for unread in later {
            past::unread(&mut alarms[unread.place], at);
        }
        Ok(())
    }

    /// Forgets alarms that are not among `names`.
    pub(super) fn keep_only(&self, names: &BTreeSet<&str>) {
        self.lock().retain(|name, _| names.contains(name.as_str()));
    }

    /// Fills in what memory tells; the others have to be read.
    fn recall(&self, alarms: &mut [ObservedAlarm], at: Timestamp) -> Vec<Unread> {
        let mut known = self.lock();
        let mut unread = Vec::new();
        for (place, alarm) in alarms.iter_mut().enumerate() {
            let name = name(alarm);
            match past::recall(alarm, known.get(&name), at) {
                Past::Settled => {
                    known.insert(name, Known::of(alarm));
                }
                Past::Unread { from } => unread.push(Unread {
                    place,
                    name,
                    definition: alarm.definition.clone(),
                    from,
                }),
            }
        }
        unread
    }

    fn read(
        &self,
        alarm: &mut ObservedAlarm,
        from: Timestamp,
        moves: Result<Moves, PortError>,
        at: Timestamp,
    ) -> Result<(), PortError> {
        let name = name(alarm);
        let moves = match moves {
            Ok(moves) => moves,
            Err(error) if error.remedy() == Remedy::WaitForUser => return Err(error),
            Err(error) => {
                tracing::warn!(
                    alarm = name,
                    error = &error as &dyn std::error::Error,
                    "past unknown"
                );
                past::unread(alarm, at);
                return Ok(());
            }
        };
        let mut known = self.lock();
        if past::read(alarm, known.get(&name), from, &moves, at) {
            known.insert(name, Known::of(alarm));
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn name(alarm: &ObservedAlarm) -> String {
    names::in_cloudwatch(&alarm.definition.platform, &alarm.definition.name)
}
