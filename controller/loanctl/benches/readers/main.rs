//! What readers cost the controller: kubectl's watches, the console's streams, and clients that stop reading. Asserts
//! nothing about time.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a measurement that cannot go on fails"
)]
#![expect(clippy::print_stdout, reason = "figures are to be read")]

mod controller;
mod reader;

#[path = "../figures/table.rs"]
mod table;
#[path = "../figures/until_stopped.rs"]
mod until_stopped;

// What the end-to-end tests run a platform with; they use all of it.
#[path = "../../tests/e2e/command.rs"]
#[expect(dead_code, reason = "shared with the tests")]
mod command;
#[path = "../../tests/e2e/laptop.rs"]
#[expect(dead_code, reason = "shared with the tests")]
mod laptop;
#[path = "../../tests/e2e/pressure.rs"]
mod pressure;
#[path = "../../tests/e2e/processes.rs"]
#[expect(dead_code, reason = "shared with the tests")]
mod processes;
#[path = "../../tests/e2e/spec.rs"]
#[expect(dead_code, reason = "shared with the tests")]
mod spec;

use std::process::ExitCode;
use std::time::Duration;

use controller::{Controller, Cost};
use reader::{Readers, Tempo};
use table::Table;
use until_stopped::until_stopped;

/// Platforms. They are only observed, so that nothing runs but the controller.
const PLATFORMS: usize = 1_000;
/// Open watches.
const WATCHES: usize = 50;
/// Pages of the console that are open.
const PAGES: usize = 10;
/// Watches of clients that read nothing any more.
const STALLED: usize = 50;
/// How long each state is measured.
const MEASURED: Duration = Duration::from_secs(20);
/// Edits a second while there are edits.
const EDITS_PER_SECOND: u32 = 5;

const WATCH: &str = "/apis/lending.dev/v1alpha1/loanplatforms?watch=true&allowWatchBookmarks=true";
const PAGE: &str = "/console/stream";

#[tokio::main]
async fn main() -> ExitCode {
    until_stopped(measure()).await
}

async fn measure() -> ExitCode {
    let mut table = Table::new(
        &format!("What readers cost a controller of {PLATFORMS} platforms"),
        ["", "CPU", "resident", "answered", "compare"],
    );
    println!("{PLATFORMS} platforms are put there …");
    let mut controller = Controller::with_platforms(PLATFORMS).await;
    let nobody = controller.cost_of(MEASURED, 0).await;
    row(&mut table, "nobody reads, nothing is edited", &nobody, "");
    let edited = controller.cost_of(MEASURED, EDITS_PER_SECOND).await;
    let edits = format!("{EDITS_PER_SECOND} edits a second");
    row(&mut table, &format!("nobody reads, {edits}"), &edited, "");

    let watches = Readers::open(&controller.address(), WATCH, WATCHES, Tempo::Reads).await;
    let idle = controller.cost_of(MEASURED, 0).await;
    row(
        &mut table,
        &format!("{WATCHES} watches, nothing is edited"),
        &idle,
        &beside(&idle, &nobody),
    );
    watches.forget();
    let busy = controller.cost_of(MEASURED, EDITS_PER_SECOND).await;
    let busy = busy.answering(watches.bytes());
    row(
        &mut table,
        &format!("{WATCHES} watches, {edits}"),
        &busy,
        &beside(&busy, &edited),
    );
    drop(watches);

    let pages = Readers::open(&controller.address(), PAGE, PAGES, Tempo::Reads).await;
    pages.forget();
    let busy = controller.cost_of(MEASURED, EDITS_PER_SECOND).await;
    let busy = busy.answering(pages.bytes());
    row(
        &mut table,
        &format!("{PAGES} pages of the console, {edits}"),
        &busy,
        &beside(&busy, &edited),
    );
    drop(pages);

    let stalled = Readers::open(&controller.address(), WATCH, STALLED, Tempo::ReadsNothing).await;
    let busy = controller.cost_of(MEASURED, EDITS_PER_SECOND).await;
    row(
        &mut table,
        &format!("{STALLED} watches that read nothing, {edits}"),
        &busy,
        &beside(&busy, &edited),
    );
    drop(stalled);

    table.note("CPU in shares of one; resident memory at the end of each state; answered: bytes a second to all readers together");
    table.note("the platforms are only observed (mode: Observe), and looked at every second as `loanctl up` does");
    table.note("limit: this benchmark reads on the same machine; its own CPU is not counted");
    print!("{table}");
    ExitCode::SUCCESS
}

fn row(table: &mut Table, what: &str, cost: &Cost, compare: &str) {
    let answered = cost
        .answered
        .map_or_else(String::new, |bytes| format!("{:.1} KiB/s", bytes / 1_024.0));
    table.row([
        what.to_owned(),
        format!("{:.3}", cost.cpus),
        format!("{:.0} MiB", cost.resident_mib),
        answered,
        compare.to_owned(),
    ]);
}

fn beside(cost: &Cost, without: &Cost) -> String {
    format!(
        "{:+.3} CPU, {:+.0} MiB for them",
        cost.cpus - without.cpus,
        cost.resident_mib - without.resident_mib
    )
}
