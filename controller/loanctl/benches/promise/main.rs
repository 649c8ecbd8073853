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
mod provider_load;

#[path = "../figures/samples.rs"]
#[expect(dead_code, reason = "shared with another benchmark")]
mod samples;
#[path = "../figures/table.rs"]
mod table;
#[path = "../figures/until_stopped.rs"]
mod until_stopped;

// What the end-to-end tests run a platform with.
#[path = "../../tests/e2e/admin.rs"]
#[expect(dead_code, reason = "shared with the tests")]
mod admin;
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
#[path = "../../tests/e2e/pressure.rs"]
mod pressure;
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
use provider_load::{LooksBack, ProviderLoad};
use spec::Spec;
use table::Table;
use until_stopped::until_stopped;

/// Applications a second: far below what two cores take, so that what is slow is slow because of the fault.
const PER_SECOND: u32 = 20;
/// What 99.9 % of the answers come within.
const PROMISED: Duration = Duration::from_millis(800);
/// How long after a fault what is undecided may stay so: recovery rests twice as long each time it tries in vain.
const PATIENCE: Duration = Duration::from_secs(300);

/// As the spec has it.
const LOOKS_BACK: LooksBack = LooksBack {
    budget: Duration::from_secs(10),
    breaker: Duration::from_secs(30),
};

#[tokio::main]
async fn main() -> ExitCode {
    until_stopped(measure()).await
}

async fn measure() -> ExitCode {
    println!(
        "the promise under faults: {PER_SECOND} applications a second, open loop, through the front; about nine minutes"
    );
    let spec = Spec::new()
        .with("      capacity: 80\n", "")
        // At so few requests a second the floor of the budget would be more than its share.
        .with("minRetriesPerSecond: 3", "minRetriesPerSecond: 0");
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
    let (mut is_kept, mut asked) = (true, None);
    for fault in Fault::ALL {
        let clients = clients::send(&endpoint, PER_SECOND, fault.length());
        let happening = fault.happens(&laptop, &spec, &ledger);
        let (mut provider, answers) = (ProviderLoad::default(), clients_during(clients, happening));
        let answers = tokio::select! {
            answers = answers => answers,
            never = provider.watch(&laptop) => match never {},
        };
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
        if fault == Fault::ProviderDown {
            asked = provider.rates(LOOKS_BACK);
        }
    }
    table.note("lost: answered 200 or 202 and not stored · doubled: more than one application or decision of a key");
    table.note("limit: clients, services, PostgreSQL and controller share this machine's CPUs");
    print!("{table}");
    let asked = asked.expect("a provider that failed, and breakers that opened");
    print!("{}", asked.table());
    if is_kept && asked.are_as_promised() {
        ExitCode::SUCCESS
    } else {
        println!("the promise was not kept");
        ExitCode::FAILURE
    }
}

async fn clients_during<T>(clients: impl Future<Output = T>, fault: impl Future<Output = ()>) -> T {
    tokio::join!(clients, fault).0
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
