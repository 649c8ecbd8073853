//! The controller's engine: pure functions that decide, and a thin shell that drives them.
//!
//! Everything the engine needs of the world is a port (see [`ports`]), with one implementation for
//! AWS and one for a laptop. The engine names no AWS type.
//!
//! A round for one platform: [`accept`] takes in the spec file, [`decide`] works out what comes
//! next, [`reconcile`] saves that and then does it. Deciding is pure; time is an argument. [`forecast`] lets the same
//! decisions be made in a world that obeys, to tell what an edit will do.

pub mod accept;
pub mod backoff;
mod blindness;
pub mod board;
mod carry_out;
pub mod clock;
pub mod conditions;
pub mod controller;
pub mod convergence;
pub mod decide;
pub mod desired;
pub mod forecast;
mod jitter;
pub mod lease;
pub mod observe;
pub mod observed;
pub mod opening;
pub mod plan;
pub mod ports;
pub mod reactions;
pub mod reasons;
pub mod reconcile;
pub mod rehearsals;
pub mod report;
pub mod rollout;
pub mod specs;
pub mod state;
pub mod state_store;
pub mod status;
pub mod tally;
mod timing;
pub mod touched;

#[cfg(test)]
mod stories;
