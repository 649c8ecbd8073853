//! Stand-in for the third party that scores applicants, for demos and tests.
//!
//! It is as bad a dependency as its settings say: slow by a log-normal distribution, failing or
//! hanging at a rate, and with a capacity beyond which it drowns as real servers do. [`provider`]
//! decides what becomes of an attempt, purely; [`service`] waits and answers.

pub mod latency;
pub mod provider;
pub mod queue;
pub mod score;
pub mod service;
