//! The services by themselves, at their own ports, without the fronts of a laptop: what everything on costs, beside a bare
//! handler of the same flow and beside PostgreSQL alone; how soon each is ready, and what memory it takes.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a measurement that cannot go on fails"
)]
#![expect(clippy::print_stdout, reason = "figures are to be read")]

mod bare;
mod chain;
mod pgbench;
mod starting;

#[path = "../laptop/cpu.rs"]
#[expect(dead_code, reason = "shared with another benchmark")]
mod cpu;
#[path = "../laptop/drive.rs"]
#[expect(dead_code, reason = "shared with another benchmark")]
mod drive;
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

use std::fmt;
use std::process::ExitCode;
use std::time::Duration;

use chain::Chain;
use cpu::{Meter, Usage};
use drive::{Answers, Kind, Target};
use laptop::Laptop;
use spec::Spec;
use sqlx::{Connection, PgConnection};
use table::Table;
use until_stopped::until_stopped;

const CONNECTIONS: usize = 16;
const WARM_UP: Duration = Duration::from_secs(5);
/// Short, so that a round meets the same machine from its beginning to its end.
const LENGTH: Duration = Duration::from_secs(2);
/// Times that both are measured, one right after the other: this machine is not always the same.
const ROUNDS: u64 = 35;
/// Of what is measured once.
const LENGTH_ALONE: Duration = Duration::from_secs(10);
/// What is to be left of the bare handler's requests a second.
const MIN_RATE: f64 = 0.9;
/// What its CPU time per request may grow to.
const MAX_COST: f64 = 1.2;

#[tokio::main]
async fn main() -> ExitCode {
    match std::env::var(bare::ROLE) {
        Ok(role) => {
            bare::serve(&role).await;
            ExitCode::SUCCESS
        }
        Err(_) => until_stopped(measure()).await,
    }
}

/// A load, and what it used.
struct Run {
    answers: Answers,
    usage: Usage,
}

async fn measure() -> ExitCode {
    let length = LENGTH.as_secs() * ROUNDS * 2 / 60 + 1;
    println!(
        "everything on, beside its floors: {CONNECTIONS} connections, provider at p50 5 ms; about {length} minutes"
    );
    let spec = Spec::new()
        .with(
            "latency: {p50: 60ms, p99: 180ms}",
            "latency: {p50: 5ms, p99: 8ms}",
        )
        .with("      capacity: 80\n", "");
    let laptop = Laptop::with(&spec).await;
    let mut database = PgConnection::connect(&database::url(&laptop, "loans_db"))
        .await
        .unwrap();
    sqlx::query(bare::TABLE)
        .execute(&mut database)
        .await
        .unwrap();
    let started = starting::measure(&laptop).await;
    let (all, bare) = (Chain::real(&laptop), Chain::bare(&laptop));
    let with_all = Load::on(&laptop, all.pids(), &all.address()).await;
    let with_nothing = Load::on(&laptop, bare.pids(), &bare.address()).await;
    let (mut real, mut floor) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        // What one leaves PostgreSQL to do meets the other, and by turns.
        let all_first = round % 2 == 0;
        if all_first {
            real.push(with_all.run(&laptop, LENGTH).await);
        }
        floor.push(with_nothing.run(&laptop, LENGTH).await);
        if !all_first {
            real.push(with_all.run(&laptop, LENGTH).await);
        }
    }
    let memory = starting::resident(&all);
    drop((all, bare));
    let front = Load::on(&laptop, Vec::new(), &laptop.endpoint()).await;
    let front = front.run(&laptop, LENGTH_ALONE).await;
    let statements = pgbench::applications_per_second(&laptop, CONNECTIONS, LENGTH_ALONE).await;
    let rate = Ratios::of(&real, &floor, |run| run.answers.per_second);
    let cost = Ratios::of(&real, &floor, Run::cost);
    let (real, floor) = (median(real), median(floor));
    print!("{}", table(&real, &floor, &front, statements));
    print!("{}", starting::table(&started, &memory));
    println!(
        "of the bare handler, by rounds: {rate} of its requests a second (to be {MIN_RATE} at least), {cost} of its CPU \
         per request (to be {MAX_COST} at most)"
    );
    if rate.median() >= MIN_RATE && cost.median() <= MAX_COST {
        ExitCode::SUCCESS
    } else {
        println!("it costs more than it is to");
        ExitCode::FAILURE
    }
}

/// Clients of one kind of chain, again and again.
struct Load {
    target: Target,
    pids: Vec<u32>,
}

impl Load {
    /// On what answers at `address`, in processes `pids`: warmed up.
    async fn on(laptop: &Laptop, pids: Vec<u32>, address: &str) -> Self {
        let target = Target::new(&laptop.endpoint(), address, Kind::Apply).await;
        drive::closed(&target, CONNECTIONS, WARM_UP).await;
        Self { target, pids }
    }

    async fn run(&self, laptop: &Laptop, length: Duration) -> Run {
        let meter = Meter::over(laptop, &self.pids);
        let answers = drive::closed(&self.target, CONNECTIONS, length).await;
        let usage = meter.stop(laptop);
        Run { answers, usage }
    }
}

/// A figure by that of the bare handler in the same round, in ascending order: what the machine is like changes from
/// round to round, and hits both.
struct Ratios(Vec<f64>);

impl Ratios {
    fn of(real: &[Run], floor: &[Run], figure: impl Fn(&Run) -> f64) -> Self {
        let pairs = real.iter().zip(floor);
        let mut ratios: Vec<f64> = pairs
            .map(|(real, floor)| figure(real) / figure(floor))
            .collect();
        ratios.sort_by(f64::total_cmp);
        Self(ratios)
    }

    fn median(&self) -> f64 {
        self.0[self.0.len() / 2]
    }
}

impl fmt::Display for Ratios {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (least, most) = (self.0[0], self.0[self.0.len() - 1]);
        write!(f, "{:.2} ({least:.2} to {most:.2})", self.median())
    }
}

/// The one in the middle, by requests a second.
fn median(mut runs: Vec<Run>) -> Run {
    runs.sort_by(|a, b| a.answers.per_second.total_cmp(&b.answers.per_second));
    runs.swap_remove(runs.len() / 2)
}

impl Run {
    /// CPU time per request of everything but the clients, in milliseconds.
    fn cost(&self) -> f64 {
        let programs = self.usage.by_program.iter();
        let served = programs.filter(|(program, _)| *program != cpu::CLIENTS);
        let cpus: f64 = served.map(|(_, cpus)| cpus).sum();
        cpus * 1_000.0 / self.answers.per_second
    }

    fn costs(&self) -> String {
        let mut costs: Vec<(&String, f64)> = self
            .usage
            .by_program
            .iter()
            .map(|(program, cpus)| (program, cpus * 1_000.0 / self.answers.per_second))
            .filter(|(_, cost)| *cost >= 0.005)
            .collect();
        costs.sort_by(|a, b| b.1.total_cmp(&a.1));
        let told: Vec<String> = costs
            .iter()
            .map(|(program, cost)| format!("{program} {cost:.2}"))
            .collect();
        told.join(", ")
    }
}

fn table(real: &Run, floor: &Run, front: &Run, statements: f64) -> Table {
    let mut table = Table::new(
        &format!("Applications, {CONNECTIONS} connections, each asking again when answered"),
        [
            "",
            "requests/s",
            "p50",
            "p99",
            "unexpected",
            "CPU ms each",
            "compare",
        ],
    );
    for (what, run) in [
        ("everything on, the services' own ports", real),
        ("floor: a bare handler of the same flow", floor),
        ("everything on, two replicas through the front", front),
    ] {
        let answers = &run.answers;
        table.row([
            what.to_owned(),
            format!("{:.0}", answers.per_second),
            samples::millis(answers.latencies.quantile(500)),
            samples::millis(answers.latencies.quantile(990)),
            answers.unexpected.to_string(),
            format!("{:.2}", run.cost()),
            format!("× {:.2}", answers.per_second / real.answers.per_second),
        ]);
    }
    table.row([
        "floor: pgbench, the same two statements".to_owned(),
        format!("{statements:.0}"),
        String::new(),
        String::new(),
        String::new(),
        String::new(),
        format!("× {:.2}", statements / real.answers.per_second),
    ]);
    for (what, run) in [("everything on", real), ("bare", floor), ("front", front)] {
        table.note(format!("CPU ms per request, {what}: {}", run.costs()));
    }
    table.note(format!(
        "the first two: medians of {ROUNDS} rounds; limit: the {} CPUs, shared with the clients and PostgreSQL",
        cpu::count()
    ));
    table
}
