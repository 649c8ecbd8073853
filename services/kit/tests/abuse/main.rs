//! What clients do that mean harm, or are broken: over real sockets. Each gets what it deserves, within a bound, and
//! everybody else is answered meanwhile.
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

#[path = "../own_process/mod.rs"]
mod own_process;

mod client;
mod clock;
mod crowd;
mod malformed;
mod places;
mod port;
mod slow;
