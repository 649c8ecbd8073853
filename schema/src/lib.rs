//! The LoanPlatform API: what engineers write, what the controller answers, and what services read.
//!
//! This crate does no I/O. The controller and the services never import each other; they meet in
//! these types, and in the documents made from them.

#[cfg(feature = "generated")]
pub mod generated;
pub mod golden;
pub mod infrastructure;
pub mod names;
pub mod platform;
pub mod revision;
pub mod settings;
pub mod signals;
pub mod status;
pub mod units;

pub use platform::{LoanPlatform, LoanPlatformSpec};
pub use status::LoanPlatformStatus;
