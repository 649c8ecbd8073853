//! How soon each program is ready, and what memory it takes.

use std::time::{Duration, Instant};

use crate::chain::{Chain, Program};
use crate::laptop::Laptop;
use crate::samples::Samples;
use crate::table::Table;

/// The programs, as a chain has them.
const NAMES: [&str; 4] = ["loan-api", "auth", "scoring", "score-provider"];
const STARTS: usize = 10;
/// From ready to idle: pools are filled, first looks are over.
const SETTLES: Duration = Duration::from_secs(2);

/// What was found of one program.
pub(crate) struct Started {
    ready: Samples,
    idle_kib: u64,
}

/// Starts each program a few times.
pub(crate) async fn measure(laptop: &Laptop) -> Vec<Started> {
    let mut all = Vec::new();
    for name in NAMES {
        let mut ready = Vec::new();
        let mut last = None;
        for _ in 0..STARTS {
            drop(last.take());
            let begun = Instant::now();
            let program = last.insert(Program::start(laptop, name));
            program.ready().await;
            ready.push(begun.elapsed());
        }
        tokio::time::sleep(SETTLES).await;
        all.push(Started {
            ready: ready.into_iter().collect(),
            idle_kib: last.map_or(0, |program| program.resident()),
        });
    }
    all
}

/// Resident memory of each program of a chain, in KiB.
pub(crate) fn resident(chain: &Chain) -> Vec<u64> {
    chain.programs().iter().map(Program::resident).collect()
}

pub(crate) fn table(started: &[Started], loaded_kib: &[u64]) -> Table {
    let mut table = Table::new(
        "Each program: from its start to ready, and its memory",
        ["", "min", "median", "max", "idle", "after the load"],
    );
    let mib = |kib: u64| format!("{:.1} MiB", kib as f64 / 1_024.0);
    for ((name, started), loaded) in NAMES.iter().zip(started).zip(loaded_kib) {
        let mut cells = vec![(*name).to_owned()];
        cells.extend(started.ready.spread());
        cells.extend([mib(started.idle_kib), mib(*loaded)]);
        table.row(cells);
    }
    table.note(format!("{STARTS} starts of each; ready: `/readyz` says so; memory: VmRSS, the program's code included"));
    table.note(
        "limit: the loan API waits for the database's first answer, each for its first settings",
    );
    table
}
