//! The engine's ports on AWS: ECS, CloudWatch, S3 and SQS.
//!
//! # Guarantees
//! - Every call passes a token bucket of its API family ([`quota`]); the more urgent go first.
//! - A call that changes something is made once: what becomes of a failure is the engine's to decide.
//! - What a call means to AWS is built by pure functions; the shells only make calls.

mod caller;
mod cloudwatch;
mod connection;
mod failure;
pub mod quota;
mod tally;
mod world_clock;

pub use connection::{CALL_TIMEOUT, ConnectionConfig};
pub use tally::{Calls, Tally};
