//! The emulators as clients see them: real processes, one start for each test.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper that fails fails its test"
)]

mod alarms;
mod client;
mod counting;
mod documents;
mod faults;
mod life;
mod refusals;
mod rollouts;
mod services;
