//! Platforms that something was said about: they go before those that are merely due.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use schema::names::PlatformName;
use schema::status::AlarmState;
use tokio::sync::Notify;

use crate::ports::Urgency;
use crate::state::PlatformState;

/// What was said about a platform, the more urgent later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Word {
    /// Something of it may have changed.
    Changed,
    /// One of its alarms may have fired.
    Fired,
}

impl Word {
    /// What a move of an alarm into `state` says.
    #[must_use]
    pub const fn of_a_move_to(state: AlarmState) -> Self {
        match state {
            AlarmState::Alarm => Self::Fired,
            AlarmState::Ok | AlarmState::InsufficientData => Self::Changed,
        }
    }
}

/// Platforms that something was said about since they were last looked at. Bounded by the platforms there
/// are: nothing else may be added.
#[derive(Debug, Default)]
pub struct Touched {
    platforms: Mutex<BTreeMap<PlatformName, Word>>,
    said: Notify,
    closed: AtomicBool,
}

impl Touched {
    /// Something was said about `platform`. Of several words the most urgent counts.
    pub(crate) fn add(&self, platform: &PlatformName, word: Word) {
        let mut platforms = self.lock();
        let known = platforms.entry(platform.clone()).or_insert(word);
        *known = word.max(*known);
        drop(platforms);
        self.said.notify_waiters();
    }

    /// What was said about `platform` since this was asked last.
    pub(crate) fn take(&self, platform: &PlatformName) -> Option<Word> {
        self.lock().remove(platform)
    }

    /// Nobody is to wait any more: the controller is stopping.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.said.notify_waiters();
    }

    /// Waits until something is said about `platform`, or the controller is stopping.
    pub(crate) async fn said_about(&self, platform: &PlatformName) {
        self.said(platform, |_| true).await;
    }

    /// Waits until something is said about the platform of `state` that is more urgent than a look with
    /// `urgency`, or the controller is stopping.
    pub(crate) async fn outruns(&self, state: &PlatformState, urgency: Urgency) {
        let is_more_urgent = |word| urgency_of_looking(Some(state), Some(word)) > urgency;
        self.said(&state.platform, is_more_urgent).await;
    }

    async fn said(&self, platform: &PlatformName, counts: impl Fn(Word) -> bool) {
        loop {
            let said = self.said.notified();
            let word = self.lock().get(platform).copied();
            if self.closed.load(Ordering::Acquire) || word.is_some_and(&counts) {
                return;
            }
            said.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<PlatformName, Word>> {
        self.platforms
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// How urgent the next look at a platform is. An alarm that fires while a change is judged may convict it: that
/// look is the beginning of a rollback.
pub(crate) fn urgency_of_looking(known: Option<&PlatformState>, touched: Option<Word>) -> Urgency {
    let Some(state) = known else {
        return Urgency::Edit;
    };
    let scoring = &state.scoring;
    let may_convict = scoring.is_moving() && touched == Some(Word::Fired);
    if scoring.is_taking_back() || may_convict {
        Urgency::Rollback
    } else if scoring.is_moving() || touched.is_some() || is_waiting(state) {
        Urgency::Edit
    } else {
        Urgency::Resync
    }
}

/// Whether the platform was on its way to what is wanted when it was last looked at.
fn is_waiting(state: &PlatformState) -> bool {
    let mut conditions = state.status.conditions.iter();
    conditions.any(|it| it.type_ == "Reconciling" && it.status == "True")
}

/// How urgent it is to do what a look at a platform led to.
pub(crate) fn urgency_of_doing(
    looked: Urgency,
    before: &PlatformState,
    after: &PlatformState,
) -> Urgency {
    if after.scoring.is_taking_back() {
        Urgency::Rollback
    } else if after.generation != before.generation {
        looked.max(Urgency::Edit)
    } else {
        looked
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use jiff::Timestamp;
    use schema::status::Phase;

    use super::*;

    fn name(text: &str) -> PlatformName {
        text.try_into().unwrap()
    }

    #[test]
    fn who_waits_hears_of_their_own_platform_and_of_the_end() {
        let touched = Touched::default();
        let (dev, prod) = (name("dev"), name("prod"));
        let mut of_dev = Box::pin(touched.said_about(&dev));
        let mut of_prod = Box::pin(touched.said_about(&prod));
        touched.add(&dev, Word::Changed);
        assert_eq!((&mut of_dev).now_or_never(), Some(()));
        assert_eq!((&mut of_prod).now_or_never(), None);
        touched.close();
        assert_eq!((&mut of_prod).now_or_never(), Some(()));
    }

    #[test]
    fn a_look_is_outrun_by_what_is_more_urgent_only() {
        let touched = Touched::default();
        let mut state = PlatformState::new(name("dev"), Timestamp::UNIX_EPOCH);
        state.scoring.phase = Phase::Baking;
        let outruns = |urgency| touched.outruns(&state, urgency).now_or_never().is_some();
        touched.add(&name("dev"), Word::Changed);
        assert!(outruns(Urgency::Resync) && !outruns(Urgency::Edit));
        touched.add(&name("dev"), Word::Fired);
        assert!(outruns(Urgency::Edit) && !outruns(Urgency::Rollback));
    }

    #[test]
    fn what_was_said_is_taken_once() {
        let touched = Touched::default();
        touched.add(&name("dev"), Word::Changed);
        assert_eq!(touched.take(&name("dev")), Some(Word::Changed));
        assert_eq!(touched.take(&name("dev")), None);
    }

    #[test]
    fn of_several_words_the_most_urgent_counts() {
        let touched = Touched::default();
        for word in [Word::Changed, Word::Fired, Word::Changed] {
            touched.add(&name("dev"), word);
        }
        assert_eq!(touched.take(&name("dev")), Some(Word::Fired));
    }

    #[test]
    fn an_alarm_that_fires_while_a_change_is_judged_is_as_urgent_as_a_rollback() {
        let mut state = PlatformState::new(name("dev"), Timestamp::UNIX_EPOCH);
        let fired = Some(Word::Fired);
        assert_eq!(urgency_of_looking(Some(&state), fired), Urgency::Edit);
        state.scoring.phase = Phase::Baking;
        assert_eq!(urgency_of_looking(Some(&state), fired), Urgency::Rollback);
        let changed = Some(Word::Changed);
        assert_eq!(urgency_of_looking(Some(&state), changed), Urgency::Edit);
    }
}
