//! How soon `loanctl controller` acts, as a process against AWS emulators: each figure beside what it compares to.
//! Asserts nothing about time.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a measurement that cannot go on fails"
)]
#![expect(clippy::print_stdout, reason = "figures are to be read")]

mod edits;
mod firings;

#[path = "../figures/samples.rs"]
#[expect(dead_code, reason = "shared with the other benchmark")]
mod samples;
#[path = "../figures/table.rs"]
mod table;

// What the tests run a controller with; they use all of it.
#[path = "../../tests/aws/account.rs"]
#[expect(dead_code, reason = "shared with the tests")]
mod account;
#[path = "../../tests/aws/bake.rs"]
#[expect(dead_code, reason = "shared with the tests")]
mod bake;
#[path = "../../tests/aws/controller.rs"]
#[expect(dead_code, clippy::print_stderr, reason = "shared with the tests")]
mod controller;
#[path = "../../tests/aws/events.rs"]
#[expect(dead_code, reason = "shared with the tests")]
mod events;
#[path = "../../tests/aws/telemetry.rs"]
mod telemetry;
#[path = "../../tests/aws/view.rs"]
#[expect(dead_code, reason = "shared with the tests")]
mod view;

use std::time::Instant;

use emulator::{Api, Service};

use account::Account;
use table::Table;

#[tokio::main]
async fn main() {
    let mut table = Table::new(
        "The controller on AWS emulators: how soon it acts",
        ["", "count", "median", "p99", "max", "compare"],
    );
    edits::measure(&mut table).await;
    firings::measure(&mut table).await;
    table.note("from just before the write, or the move of the alarm, to the arrival of the call at the emulator");
    table.note("limit: emulators, controller and this benchmark share the machine; S3 and EventBridge take longer to tell");
    print!("{table}");
}

/// When `operation` was first called with an address that ends in `path`, since calls were last forgotten.
async fn called(account: &Account, service: Service, operation: &str, path: &str) -> Instant {
    let api = Api::new(service, operation);
    let first = account::eventually(operation, async || {
        let log = account.emulators.call_log();
        let mut log = log.into_iter();
        log.find(|call| call.api == api && call.path.ends_with(path))
    });
    first.await.at
}
