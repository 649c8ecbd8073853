//! Asks the score provider for a score, and names its risk band.
//!
//! The provider is flaky. How scoring calls it — timeouts, retries, breaker, bulkhead — is in its
//! settings, and changes while it runs: [`policy`] turns settings into a policy, [`provider`] makes
//! one attempt, [`memory`] keeps what was answered, [`service`] answers.

pub mod memory;
pub mod policy;
pub mod provider;
pub mod service;
