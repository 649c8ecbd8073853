//! `loanctl up` as its users see it: real services, a real PostgreSQL, real load.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]
#![expect(clippy::print_stdout, reason = "a test says what it measured")]

#[expect(dead_code, reason = "shared with benchmarks")]
mod admin;
#[path = "../browser/mod.rs"]
mod browser;
mod command;
mod console;
mod crash;
mod database;
mod deciding;
mod guides;
mod incident;
mod invalid_edits;
mod kube_rs;
mod kubectl;
mod laptop;
mod live_settings;
mod load;
mod pressure;
mod processes;
mod promotion;
mod remedies;
mod replicas;
mod side_by_side;
mod spec;
mod starting_and_stopping;
mod torture;
mod traces;
mod view;
