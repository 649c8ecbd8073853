//! CPU time of each program while something is measured.

use std::collections::BTreeMap;
use std::time::Instant;

use procfs::process::Process;
use procfs::{CurrentSI, KernelStats};

use crate::laptop::Laptop;

/// The name under which this program's own use goes.
pub(crate) const CLIENTS: &str = "clients";

/// What was used up to a moment.
pub(crate) struct Meter {
    at: Instant,
    others: Vec<u32>,
    by_program: BTreeMap<String, u64>,
    machine: u64,
}

/// Use of CPUs over a stretch of time, in CPUs: 1.0 is one of them all the time.
#[derive(Clone, Debug)]
pub(crate) struct Usage {
    pub(crate) by_program: BTreeMap<String, f64>,
    /// By everything else on this machine.
    pub(crate) others: f64,
}

impl Meter {
    /// Of a laptop's programs, and this one.
    pub(crate) fn start(laptop: &Laptop) -> Self {
        Self::over(laptop, &[])
    }

    /// The same, and of `others`.
    pub(crate) fn over(laptop: &Laptop, others: &[u32]) -> Self {
        let mut by_program = BTreeMap::new();
        let own = [laptop.pid(), std::process::id()];
        let mut pids = [&own[..], &laptop.processes(), others].concat();
        pids.sort_unstable();
        pids.dedup();
        for pid in pids {
            if let Some((program, ticks)) = ticks_of(pid) {
                *by_program.entry(program).or_default() += ticks;
            }
        }
        Self {
            at: Instant::now(),
            others: others.to_owned(),
            by_program,
            machine: machine_ticks(),
        }
    }

    /// What was used since.
    pub(crate) fn stop(&self, laptop: &Laptop) -> Usage {
        let now = Self::over(laptop, &self.others);
        let seconds = now.at.duration_since(self.at).as_secs_f64();
        let cpus = |ticks: u64| ticks as f64 / procfs::ticks_per_second() as f64 / seconds;
        let by_program: BTreeMap<String, f64> = now
            .by_program
            .into_iter()
            .map(|(program, ticks)| {
                let before = self.by_program.get(&program).copied().unwrap_or_default();
                (program, cpus(ticks.saturating_sub(before)))
            })
            .collect();
        let ours: f64 = by_program.values().sum();
        let machine = cpus(now.machine.saturating_sub(self.machine));
        Usage {
            by_program,
            others: (machine - ours).max(0.0),
        }
    }
}

impl Usage {
    /// By everything, this program and strangers included.
    pub(crate) fn total(&self) -> f64 {
        self.by_program.values().sum::<f64>() + self.others
    }
}

/// CPUs of this machine.
pub(crate) fn count() -> usize {
    std::thread::available_parallelism().map_or(1, Into::into)
}

fn ticks_of(pid: u32) -> Option<(String, u64)> {
    let stat = Process::new(i32::try_from(pid).ok()?).ok()?.stat().ok()?;
    let program = if pid == std::process::id() {
        CLIENTS.to_owned()
    } else {
        stat.comm
    };
    Some((program, stat.utime + stat.stime))
}

/// Ticks in which some CPU of this machine was busy.
fn machine_ticks() -> u64 {
    let Ok(stats) = KernelStats::current() else {
        return 0;
    };
    let total = stats.total;
    let interrupts = [total.irq, total.softirq, total.steal];
    total.user + total.nice + total.system + interrupts.into_iter().flatten().sum::<u64>()
}
