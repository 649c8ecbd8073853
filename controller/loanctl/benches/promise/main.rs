//! The promise to clients while things break: 99.9 % of the answers within 800 ms, no application lost, none doubled,
//! and each decided in the end. Every fault with its figures, beside the same load without one.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a measurement that cannot go on fails"
)]
#![expect(clippy::print_stdout, reason = "figures are to be read")]

mod clients;
mod fault;
mod ledger;

#[path = "../figures/samples.rs"]
#[expect(dead_code, reason = "shared with another benchmark")]
mod samples;
#[path = "../figures/table.rs"]
mod table;
#[path = "../figures/until_stopped.rs"]
mod until_stopped;

// What the end-to-end tests run a platform with.
#[path = "../../tests/e2e/command.rs"]
#[expect(dead_code, reason = "shared with the tests")]
mod command;
#[path = "../../tests/e2e/database.rs"]
#[expect(dead_code, reason = "shared with the tests")]
mod database;
#[path = "../../tests/e2e/laptop.rs"]
#[expect(dead_code, reason = "shared with the tests")]
mod laptop;
#[path = "../../tests/e2e/load.rs"]
#[expect(dead_code, reason = "shared with the tests")]
mod load;
#[path = "../../tests/e2e/processes.rs"]
#[expect(dead_code, reason = "shared with the tests")]
mod processes;
#[path = "../../tests/e2e/spec.rs"]
#[expect(dead_code, reason = "shared with the tests")]
mod spec;
#[path = "../../tests/e2e/view.rs"]
#[expect(dead_code, reason = "shared with the tests")]
mod view;

use std::process::ExitCode;
use std::time::Duration;

use clients::Answers;
use fault::Fault;
use laptop::Laptop;
use ledger::Ledger;
use spec::Spec;
use table::Table;
use until_stopped::until_stopped;

/// Applications a second: far below what two cores take, so that what is slow is slow because of the fault.
const PER_SECOND: u32 = 20;
/// What 99.9 % of the answers come within.
const PROMISED: Duration = Duration::from_millis(800);
/// How long after a fault what is undecided may stay so: recovery rests twice as long each time it tries in vain.
const PATIENCE: Duration = Duration::from_secs(300);

#[tokio::main]
async fn main() -> ExitCode {
    until_stopped(measure()).await
}

async fn measure() -> ExitCode {
    println!(
        "the promise under faults: {PER_SECOND} applications a second, open loop, through the front; about eight minutes"
    );
    let spec = Spec::new().with("      capacity: 80\n", "");
    let laptop = Laptop::with(&spec).await;
    let ledger = Ledger::open(&laptop);
    let mut table = Table::new(
        "Answers while something is broken, and what became of the applications",
        [
            "fault",
            "answers",
            "≤ 800 ms",
            "p99.9",
            "200",
            "202",
            "503",
            "other",
            "lost",
            "doubled",
            "undecided",
            "settled after",
        ],
    );
    let endpoint = laptop.endpoint();
    let mut is_kept = true;
    for fault in Fault::ALL {
        let clients = clients::send(&endpoint, PER_SECOND, fault.length());
        let (answers, ()) = tokio::join!(clients, fault.happens(&laptop, &spec, &ledger));
        let settled = ledger.settles(PATIENCE).await;
        let fate = ledger.fate_of(&answers).await;
        println!(
            "  {}: {} answers, {:.2} % within {PROMISED:?}",
            fault.name(),
            answers.count(),
            answers.percent_within(PROMISED)
        );
        is_kept &= fate.is_as_promised() && answers.percent_within(PROMISED) >= 99.9;
        table.row(row(fault, &answers, &fate, settled));
    }
    table.note("lost: answered 200 or 202 and not stored · doubled: more than one application or decision of a key");
    table.note("limit: clients, services, PostgreSQL and controller share this machine's CPUs");
    print!("{table}");
    if is_kept {
        ExitCode::SUCCESS
    } else {
        println!("the promise was not kept");
        ExitCode::FAILURE
    }
}

fn row(
    fault: Fault,
    answers: &Answers,
    fate: &ledger::Fate,
    settled: Option<Duration>,
) -> [String; 12] {
    [
        fault.name().to_owned(),
        answers.count().to_string(),
        format!("{:.2} %", answers.percent_within(PROMISED)),
        samples::millis(answers.latencies().quantile(999)),
        answers.with_status(200).to_string(),
        answers.with_status(202).to_string(),
        answers.with_status(503).to_string(),
        answers.other_than(&[200, 202, 503]),
        fate.lost.to_string(),
        fate.doubled.to_string(),
        fate.undecided.to_string(),
        settled.map_or_else(|| "never".to_owned(), samples::seconds),
    ]
}
