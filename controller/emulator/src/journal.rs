//! What was called, how often, and when.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::api::Api;

/// Calls that the log holds; older ones are forgotten. Counts go on.
const LOG: usize = 10_000;

/// A call that a client made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// What was called.
    pub api: Api,
    /// By whom: the id of the access key that signed it.
    pub caller: Option<String>,
    /// Path of its address: the object, for calls of S3.
    pub path: String,
    /// When the whole request was here.
    pub at: Instant,
    /// The HTTP status it was answered with; `None` as long as there is no answer.
    pub status: Option<u16>,
}

/// A place in the log, to write the answer's status to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry(u64);

/// Counts and log.
#[derive(Debug, Default)]
pub(crate) struct Journal(Mutex<Pages>);

#[derive(Debug, Default)]
struct Pages {
    counts: BTreeMap<Api, u64>,
    log: VecDeque<Call>,
    /// Entries that the log no longer holds.
    forgotten: u64,
}

impl Journal {
    pub(crate) fn arrived(&self, api: Api, caller: Option<String>, path: String) -> Entry {
        let mut pages = self.pages();
        *pages.counts.entry(api.clone()).or_default() += 1;
        pages.log.push_back(Call {
            api,
            caller,
            path,
            at: Instant::now(),
            status: None,
        });
        if pages.log.len() > LOG {
            pages.forget(1);
        }
        Entry(pages.forgotten + pages.log.len() as u64 - 1)
    }

    pub(crate) fn answered(&self, entry: Entry, status: u16) {
        let mut pages = self.pages();
        let place = entry.0.checked_sub(pages.forgotten);
        let place = place.and_then(|place| usize::try_from(place).ok());
        if let Some(call) = place.and_then(|place| pages.log.get_mut(place)) {
            call.status = Some(status);
        }
    }

    pub(crate) fn counts(&self) -> BTreeMap<Api, u64> {
        self.pages().counts.clone()
    }

    pub(crate) fn log(&self) -> Vec<Call> {
        self.pages().log.iter().cloned().collect()
    }

    pub(crate) fn reset(&self) {
        let mut pages = self.pages();
        pages.counts.clear();
        let all = pages.log.len();
        pages.forget(all);
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pages {
    fn forget(&mut self, calls: usize) {
        self.log.drain(..calls);
        self.forgotten += calls as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Service;

    #[test]
    fn an_answer_that_comes_after_a_reset_is_written_nowhere() {
        let journal = Journal::default();
        let api = Api::new(Service::Ecs, "ListServices");
        let before = journal.arrived(api.clone(), None, String::new());
        journal.reset();
        let after = journal.arrived(api.clone(), None, String::new());
        journal.answered(before, 500);
        assert_eq!(journal.log()[0].status, None);
        journal.answered(after, 200);
        assert_eq!(journal.log()[0].status, Some(200));
        assert_eq!(journal.counts()[&api], 1);
    }

    #[test]
    fn the_log_forgets_its_oldest_calls_and_the_counts_go_on() {
        let journal = Journal::default();
        let api = Api::new(Service::S3, "GetObject");
        for _ in 0..=LOG {
            let entry = journal.arrived(api.clone(), None, String::new());
            journal.answered(entry, 200);
        }
        assert_eq!(journal.log().len(), LOG);
        assert_eq!(journal.log()[LOG - 1].status, Some(200));
        assert_eq!(journal.counts()[&api], LOG as u64 + 1);
    }
}
