//! Figures of one phase.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::process::{cpu, resident_mib};
use crate::account::{Account, Ledger};

/// What a phase took.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Figures {
    /// What was done.
    pub(crate) phase: String,
    pub(crate) platforms: usize,
    /// Calls of APIs that have quotas.
    pub(crate) api_calls: u64,
    /// Reads, listings and writes of objects.
    pub(crate) object_calls: u64,
    /// Calls among both that changed something.
    pub(crate) mutating: u64,
    pub(crate) throttled: u64,
    /// The controller's, and what the account took beside it.
    pub(crate) cpu_s: f64,
    pub(crate) account_cpu_s: f64,
    /// What is resident beyond the account, as that was before the controller began.
    pub(crate) resident_mib: f64,
    pub(crate) account_mib: f64,
    /// Simulated.
    pub(crate) time_s: f64,
    /// Calls by operation.
    pub(crate) by_operation: BTreeMap<String, u64>,
    /// Whatever else was measured, by name.
    pub(crate) more: BTreeMap<String, f64>,
}

/// Names of what is noted beside.
pub(super) mod notes {
    pub(crate) const MADE_S: &str = "everything made after s";
    pub(crate) const IS_LIMITED: &str = "within the quotas";
    pub(crate) const FIRST_CALL_S: &str = "first call after s";
    pub(crate) const UPDATED_S: &str = "everything updated after s";
    pub(crate) const ALARMS: &str = "alarms fired";
    pub(crate) const WAITING: &str = "platforms still waiting when the last of them had";
    pub(crate) const QUIET_S: &str = "documents read first for s";
    pub(crate) const FIRST_MINUTE: &str = "API calls in the first minute";
    pub(crate) const BUSIEST_SECOND: &str = "API calls in the busiest second";
}

/// A phase under way.
#[derive(Debug)]
pub(super) struct Measuring {
    phase: &'static str,
    ledger: Ledger,
    cpu: Duration,
    account_cpu: Duration,
    began: Instant,
}

impl Measuring {
    pub(super) fn begin(phase: &'static str, account: &Account) -> Self {
        Self {
            phase,
            ledger: account.ledger(),
            cpu: cpu(),
            account_cpu: account.cpu(),
            began: Instant::now(),
        }
    }

    pub(super) const fn began(&self) -> Instant {
        self.began
    }

    /// What was called so far.
    pub(super) fn called(&self, account: &Account) -> Ledger {
        account.ledger().since(&self.ledger)
    }

    pub(super) fn end(self, account: &Account, platforms: usize) -> Figures {
        let called = self.called(account);
        let made = called.calls().iter();
        let account_cpu = account.cpu() - self.account_cpu;
        let account_mib = account.mib();
        let by_operation = made.map(|(operation, calls)| (operation.clone(), calls.made));
        Figures {
            phase: self.phase.to_owned(),
            platforms,
            api_calls: called.api_calls(),
            object_calls: called.object_calls(),
            mutating: called.mutating(),
            throttled: called.throttled(),
            cpu_s: (cpu() - self.cpu - account_cpu).as_secs_f64(),
            account_cpu_s: account_cpu.as_secs_f64(),
            resident_mib: resident_mib() - account_mib,
            account_mib,
            time_s: self.began.elapsed().as_secs_f64(),
            by_operation: by_operation.collect(),
            more: BTreeMap::new(),
        }
    }
}
