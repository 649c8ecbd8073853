//! Memory of each process.

use procfs::process::Process;

use crate::laptop::Laptop;

/// Resident memory under one name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Resident {
    /// `scoring`, `postgres`: the name of the program.
    pub(crate) program: String,
    /// What was added up: one process, but for PostgreSQL.
    pub(crate) processes: usize,
    /// `VmRSS`.
    pub(crate) kib: u64,
    /// The same with pages that processes share counted once (`Pss`); absent without permission.
    pub(crate) proportional_kib: Option<u64>,
}

/// Every process of the platform, and PostgreSQL's together, by program.
pub(crate) fn resident(laptop: &Laptop) -> Vec<Resident> {
    let pids = [vec![laptop.pid()], laptop.processes()].concat();
    let each = pids.into_iter().filter_map(of);
    let (postgres, mut all): (Vec<_>, Vec<_>) = each.partition(|it| it.program == "postgres");
    all.sort_by(|a, b| a.program.cmp(&b.program));
    all.extend(postgres.into_iter().reduce(|a, b| together(a, &b)));
    all
}

fn of(pid: u32) -> Option<Resident> {
    let process = Process::new(i32::try_from(pid).ok()?).ok()?;
    let pss = || -> Option<u64> {
        let maps = process.smaps_rollup().ok()?.memory_map_rollup;
        let bytes: u64 = maps
            .iter()
            .filter_map(|map| map.extension.map.get("Pss"))
            .sum();
        Some(bytes / 1_024)
    };
    Some(Resident {
        program: process.stat().ok()?.comm,
        processes: 1,
        kib: process.status().ok()?.vmrss?,
        proportional_kib: pss(),
    })
}

fn together(a: Resident, b: &Resident) -> Resident {
    Resident {
        processes: a.processes + b.processes,
        kib: a.kib + b.kib,
        proportional_kib: a
            .proportional_kib
            .zip(b.proportional_kib)
            .map(|(a, b)| a + b),
        ..a
    }
}
