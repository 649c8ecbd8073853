//! `loanctl controller` as a process, against AWS emulators over the real SDK: a bucket, a cluster, a queue.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a helper that fails fails its test"
)]

mod account;
mod bake;
mod bringing_up;
#[path = "../browser/mod.rs"]
#[expect(dead_code, reason = "shared with the tests on one machine")]
mod browser;
mod console;
mod controller;
mod dashboard;
mod drift;
mod events;
mod faults;
mod kubernetes;
mod orphans;
mod queue;
mod rollback;
mod standby;
mod telemetry;
mod torture;
mod verify;
mod view;
