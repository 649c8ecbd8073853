//! What the loan API can take, how long people wait, and what that costs in memory.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::time::{Duration, Instant};

use crate::cpu::{self, Meter, Usage};
use crate::drive::{self, Answers, Kind, Target};
use crate::laptop::Laptop;
use crate::memory::{self, Resident};
use crate::options::Options;
use crate::samples::{Samples, millis};
use crate::table::Table;
use crate::view::View;

const CONNECTIONS: usize = 16;
const WARM_UP: Duration = Duration::from_secs(2);
/// What 99.9 % of the requests are to be answered within.
const PROMISED: Duration = Duration::from_millis(800);
/// What a commit of PostgreSQL writes at least.
const PAGE: [u8; 8_192] = [0; 8_192];
const SYNCS: usize = 200;

/// Prints throughput, waiting times and memory.
pub(crate) async fn measure(laptop: &Laptop, options: Options) {
    let idle = memory::resident(laptop);
    let endpoint = laptop.endpoint();
    let platform = laptop.platform().await;
    let task = &platform.service("loan-api").tasks[0];
    let task = format!("http://{}", task.address.as_deref().expect("an address"));
    let target = |address: String, kind| {
        let endpoint = endpoint.clone();
        async move { Target::new(&endpoint, &address, kind).await }
    };

    let apply = target(endpoint.clone(), Kind::Apply).await;
    let measured = Closed::run(laptop, &apply, options.load());
    // Early enough to be well within the load.
    let busy = async {
        tokio::time::sleep(WARM_UP + options.load() / 2).await;
        memory::resident(laptop)
    };
    let (front, busy) = tokio::join!(measured, busy);
    let short = options.load() * 2 / 3;
    let direct = Closed::run(laptop, &target(task, Kind::Apply).await, short).await;
    let floor = target(endpoint.clone(), Kind::FindNone).await;
    let floor = Closed::run(laptop, &floor, short).await;
    print!("{}", closed_table(&front, &direct, &floor, laptop));

    let per_second = half(front.answers.per_second);
    let meter = Meter::start(laptop);
    let open = drive::open(&apply, per_second, options.load()).await;
    let usage = meter.stop(laptop);
    print!("{}", open_table(&open, &usage, per_second));
    print!("{}", memory_table(&idle, &busy));
}

/// A closed loop, and what it used.
struct Closed {
    answers: Answers,
    usage: Usage,
}

impl Closed {
    async fn run(laptop: &Laptop, target: &Target, length: Duration) -> Self {
        drive::closed(target, CONNECTIONS, WARM_UP).await;
        let meter = Meter::start(laptop);
        let answers = drive::closed(target, CONNECTIONS, length).await;
        let usage = meter.stop(laptop);
        Self { answers, usage }
    }
}

fn closed_table(front: &Closed, direct: &Closed, floor: &Closed, laptop: &Laptop) -> Table {
    let mut table = Table::new(
        &format!("3. Loan API: {CONNECTIONS} connections, each asking again when answered"),
        [
            "",
            "requests/s",
            "p50",
            "p99",
            "p99.9",
            "unexpected",
            "CPUs busy",
            "compare",
        ],
    );
    let base = front.answers.per_second;
    for (what, closed) in [
        ("POST /loan/apply, through the front (2 replicas)", front),
        ("the same, straight at one replica", direct),
        ("floor: GET of an unknown application, front", floor),
    ] {
        let answers = &closed.answers;
        let busy = closed.usage.total();
        let others = closed.usage.others;
        table.row([
            what.to_owned(),
            format!("{:.0}", answers.per_second),
            millis(answers.latencies.quantile(500)),
            millis(answers.latencies.quantile(990)),
            millis(answers.latencies.quantile(999)),
            answers.unexpected.to_string(),
            format!("{busy:.2}, others' {others:.2}"),
            format!("× {:.2}", answers.per_second / base),
        ]);
    }
    table.note("an application: auth, two commits, scoring, provider at p50 5 ms · the floor: auth and a read");
    for (what, closed) in [("POST, front", front), ("floor", floor)] {
        table.note(format!("CPU ms per request, {what}: {}", costs(closed)));
    }
    let (sync, folder) = (sync_time(laptop), laptop.state());
    table.note(format!(
        "8 KiB written and synced in {}: p50 {}, p99 {}",
        folder.display(),
        millis(sync.quantile(500)),
        millis(sync.quantile(990))
    ));
    table.note(format!("limit: {}", limit(&front.usage)));
    table
}

/// What one request costs each program, the dearest first.
fn costs(closed: &Closed) -> String {
    let mut costs: Vec<(&str, f64)> = closed
        .usage
        .by_program
        .iter()
        .map(|(program, cpus)| {
            let cost = cpus * 1_000.0 / closed.answers.per_second;
            (program.as_str(), cost)
        })
        .collect();
    costs.sort_by(|a, b| b.1.total_cmp(&a.1));
    let costs: Vec<String> = costs
        .into_iter()
        .map(|(program, cost)| format!("{program} {cost:.2}"))
        .collect();
    costs.join(", ")
}

/// What the load ran into, as far as use of the CPUs tells.
fn limit(usage: &Usage) -> String {
    let (busy, all) = (usage.total(), cpu::count());
    if busy > 0.85 * all as f64 {
        let others = usage.others;
        format!("the {all} CPUs ({busy:.2} busy, {others:.2} of that by others), clients included")
    } else {
        format!("waiting, not the CPUs ({busy:.2} of {all} busy): commits and the provider")
    }
}

/// How long the disk under the platform takes to keep something.
fn sync_time(laptop: &Laptop) -> Samples {
    let path = laptop.state().join("bench.tmp");
    let mut file = File::create(&path).unwrap();
    let samples = (0..SYNCS)
        .map(|_| {
            let begun = Instant::now();
            file.seek(SeekFrom::Start(0)).unwrap();
            file.write_all(&PAGE).unwrap();
            file.sync_data().unwrap();
            begun.elapsed()
        })
        .collect();
    std::fs::remove_file(path).unwrap();
    samples
}

fn open_table(open: &Answers, usage: &Usage, per_second: u32) -> Table {
    let mut table = Table::new(
        "4. Loan API: half of that load, sent evenly whatever becomes of it",
        [
            "",
            "requests",
            "p50",
            "p99",
            "p99.9",
            "unexpected",
            "under 800 ms",
            "compare",
        ],
    );
    table.row([
        format!("POST /loan/apply, {per_second}/s through the front"),
        open.latencies.count().to_string(),
        millis(open.latencies.quantile(500)),
        millis(open.latencies.quantile(990)),
        millis(open.latencies.quantile(999)),
        open.unexpected.to_string(),
        format!("{:.2} %", open.latencies.percent_below(PROMISED)),
        "promised: 99.9 % under 800 ms".to_owned(),
    ]);
    table.note("from the moment at which a request was due; a 202 counts as unexpected");
    table.note(format!("limit: {}", limit(usage)));
    table
}

fn memory_table(idle: &[Resident], busy: &[Resident]) -> Table {
    let mut table = Table::new(
        "5. Resident memory",
        ["process", "idle", "under load", "under load, Pss", ""],
    );
    let mib = |kib: u64| format!("{:.1} MiB", kib as f64 / 1_024.0);
    let mut totals = [0, 0, 0];
    for (idle, busy) in idle.iter().zip(busy) {
        let shared = busy.proportional_kib.map_or_else(|| "?".to_owned(), mib);
        let counts = if busy.processes > 1 {
            format!("{} processes, {} idle", busy.processes, idle.processes)
        } else {
            String::new()
        };
        for (total, kib) in totals.iter_mut().zip([
            idle.kib,
            busy.kib,
            busy.proportional_kib.unwrap_or_default(),
        ]) {
            *total += kib;
        }
        let name = busy.program.clone();
        table.row([name, mib(idle.kib), mib(busy.kib), shared, counts]);
    }
    let [idle, busy, shared] = totals.map(mib);
    table.row(["all".to_owned(), idle, busy, shared, String::new()]);
    table.note("VmRSS, and for comparison Pss, in which a page shared by n processes counts 1/n for each; load: halfway through the first one above");
    table.note("limit: in VmRSS, PostgreSQL's shared buffers and the programs' own code count once per process");
    table
}

fn half(per_second: f64) -> u32 {
    let half = (per_second / 2.0).clamp(1.0, 100_000.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped"
    )]
    let half = half as u32;
    half
}
