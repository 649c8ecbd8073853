//! The engine's ports on AWS: ECS, CloudWatch, S3 and SQS.
//!
//! # Guarantees
//! - Every call passes a token bucket of its API family ([`quota`]); the more urgent go first.
//! - A call that changes something is made once: what becomes of a failure is the engine's to decide.
//! - What a call means to AWS is built by pure functions; the shells only make calls.

mod batcher;
mod caller;
mod cloudwatch;
mod connection;
mod documents;
mod ecs;
mod failure;
mod home;
mod infrastructure;
mod paging;
pub mod quota;
mod remembering;
mod tally;
mod verify;
mod watch;
mod world_clock;

pub use connection::{AccessKey, CALL_TIMEOUT, ConnectionConfig};
pub use documents::S3Documents;
pub use ecs::{Inventory, Unclaimed};
pub use home::{AwsConfig, AwsHome, InProcess};
pub use tally::{Calls, Tally};
pub use verify::{Finding, verify};
pub use watch::{Polling, QueueTally, QueueWatch};
