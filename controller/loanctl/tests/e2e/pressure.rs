//! How much the machine kept a test waiting: a promise in seconds that was not kept is read differently on a machine that
//! stood still.

use std::fmt;
use std::fs;
use std::time::{Duration, Instant};

/// The machine's counters at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pressure {
    at: Instant,
    /// Time in which something waited for a CPU, and in which something waited for a disk: Linux, "PSI - Pressure Stall
    /// Information". None where the kernel does not tell.
    cpu: Option<Duration>,
    io: Option<Duration>,
    /// Time in which the host ran something else on one of the CPUs: `proc_stat(5)`, "steal".
    stolen: Option<Duration>,
}

/// What happened between two moments.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waited {
    length: Duration,
    cpu: Option<Duration>,
    io: Option<Duration>,
    stolen: Option<Duration>,
}

impl Pressure {
    pub(crate) fn now() -> Self {
        Self {
            at: Instant::now(),
            cpu: stalled("cpu"),
            io: stalled("io"),
            stolen: stolen(),
        }
    }

    pub(crate) fn since(&self) -> Waited {
        let now = Self::now();
        let between = |then: Option<Duration>, now: Option<Duration>| now?.checked_sub(then?);
        Waited {
            length: now.at - self.at,
            cpu: between(self.cpu, now.cpu),
            io: between(self.io, now.io),
            stolen: between(self.stolen, now.stolen),
        }
    }
}

impl fmt::Display for Waited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = |time: Option<Duration>| {
            time.map_or_else(|| "unknown".to_owned(), |time| format!("{time:.1?}"))
        };
        write!(
            f,
            "of {:.1?}, something waited {} for a CPU and {} for a disk; the host took {}",
            self.length,
            told(self.cpu),
            told(self.io),
            told(self.stolen)
        )
    }
}

fn stalled(resource: &str) -> Option<Duration> {
    let text = fs::read_to_string(format!("/proc/pressure/{resource}")).ok()?;
    let some = text.lines().find(|line| line.starts_with("some"))?;
    let (_, total) = some.split_once("total=")?;
    total.trim().parse().ok().map(Duration::from_micros)
}

fn stolen() -> Option<Duration> {
    /// A hundredth of a second on every Linux that this runs on.
    const TICK: Duration = Duration::from_millis(10);
    let text = fs::read_to_string("/proc/stat").ok()?;
    let ticks: u32 = text
        .lines()
        .next()?
        .split_whitespace()
        .nth(8)?
        .parse()
        .ok()?;
    Some(TICK * ticks)
}
