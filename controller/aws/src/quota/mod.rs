//! Quotas: every call passes a token bucket of its API family, the more urgent ones first.
//!
//! The account's quotas are shared: with other tools, and with ECS itself, whose own rollback reads alarms.
//! So only a share of each is used, and less for a while when the account is throttled all the same.

mod bucket;
mod family;
mod gate;
mod given;

use std::collections::BTreeMap;

use engine::ports::Urgency;

pub use family::{Family, Limit};
use gate::Gate;
pub(crate) use gate::Token;
pub use given::{GivenQuota, GivenQuotaError};

/// Share of every documented quota that is used unless another is chosen, in percent: the rest is for ECS
/// itself, for people and for other tools.
pub const DEFAULT_SHARE_PERCENT: u32 = 50;

/// How much of the account's quotas is used.
#[derive(Clone, Debug, PartialEq)]
pub struct QuotaConfig {
    /// Share of every quota in percent, 1 to 100.
    pub share_percent: u32,
    /// Quotas of this account that differ from the documented ones.
    pub limits: BTreeMap<Family, Limit>,
}

impl Default for QuotaConfig {
    fn default() -> Self {
        Self {
            share_percent: DEFAULT_SHARE_PERCENT,
            limits: BTreeMap::new(),
        }
    }
}

impl QuotaConfig {
    /// What is used of the quota of `family`. A bucket that holds no whole call would never open.
    fn used(&self, family: Family) -> Limit {
        let limit = self.limits.get(&family).copied();
        let limit = limit.unwrap_or_else(|| family.documented());
        let share = f64::from(self.share_percent.clamp(1, 100)) / 100.0;
        Limit {
            burst: (limit.burst * share).max(1.0),
            per_second: limit.per_second * share,
        }
    }
}

/// The quotas of one account in one region, as this process may use them.
#[derive(Debug)]
pub(crate) struct Quotas(BTreeMap<Family, Gate>);

impl Quotas {
    pub(crate) fn new(config: &QuotaConfig) -> Self {
        let gate = |family| (family, Gate::new(config.used(family)));
        Self(Family::ALL.map(gate).into_iter().collect())
    }

    /// Waits for leave to make one call of `family`.
    pub(crate) async fn leave(&self, family: Family, urgency: Urgency) -> Option<Token> {
        match self.0.get(&family) {
            Some(gate) => Some(gate.pass(urgency).await),
            None => None,
        }
    }

    /// A call of `family` was throttled.
    pub(crate) fn throttled(&self, family: Family) {
        if let Some(gate) = self.0.get(&family) {
            gate.throttled();
        }
    }
}
