//! Runs the engine in simulated worlds, as `make simulate` does.
//!
//! `SEED=7` runs one world and prints all that happened in it. `SEEDS=100` runs so many, from `FROM` on;
//! `SECONDS_BUDGET=60` runs fresh ones for so long. Both use every core, and stop at the first violation.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for people"
)]

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use simulation::{Outcome, Scenario, fresh_seed};

/// How often progress is told.
const PROGRESS_EVERY: Duration = Duration::from_secs(5);
/// How long fresh seeds are run when nothing else is said.
const DEFAULT_BUDGET: Duration = Duration::from_secs(60);

/// A world is mostly small things made and dropped.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    if let Some(seed) = number("SEED") {
        let scenario = Scenario::drawn(seed).with_whole_trace();
        println!("{scenario:#?}");
        let outcome = scenario.run();
        println!("{outcome}");
        return exit(outcome.violation.is_some());
    }
    let campaign = Campaign::from_environment();
    campaign.run();
    campaign.summary();
    exit(!campaign.failures().is_empty())
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// How long this thread has run on a processor. Other work on the machine does not count; where Linux does
/// not tell, nothing does.
fn cpu_time() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = told.split_whitespace().next().map(str::parse);
    Duration::from_nanos(nanoseconds.and_then(Result::ok).unwrap_or(0))
}

fn exit(failed: bool) -> ExitCode {
    if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

/// Many worlds, run on every core.
struct Campaign {
    from: u64,
    until: u64,
    deadline: Option<Instant>,
    began: Instant,
    next: AtomicU64,
    done: AtomicU64,
    simulated_s: AtomicU64,
    cpu_ms: AtomicU64,
    promoted: AtomicU64,
    rolled_back: AtomicU64,
    failed: AtomicBool,
    failures: Mutex<Vec<Outcome>>,
}

impl Campaign {
    fn from_environment() -> Self {
        let seeds = number("SEEDS");
        let budget = number("SECONDS_BUDGET").map(Duration::from_secs);
        // Without a fixed number, and without a place to begin, every campaign is a fresh one.
        let first = || if seeds.is_some() { 1 } else { fresh_seed() };
        let from = number("FROM").unwrap_or_else(first);
        let budget = budget.or_else(|| seeds.is_none().then_some(DEFAULT_BUDGET));
        let began = Instant::now();
        Self {
            from,
            until: seeds.map_or(u64::MAX, |seeds| from.saturating_add(seeds)),
            deadline: budget.map(|budget| began + budget),
            began,
            next: AtomicU64::new(from),
            done: AtomicU64::new(0),
            simulated_s: AtomicU64::new(0),
            cpu_ms: AtomicU64::new(0),
            promoted: AtomicU64::new(0),
            rolled_back: AtomicU64::new(0),
            failed: AtomicBool::new(false),
            failures: Mutex::default(),
        }
    }

    fn run(&self) {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let finished = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..cores).map(|_| scope.spawn(|| self.work())).collect();
            let progress = scope.spawn(|| self.tell_progress(&finished));
            for worker in workers {
                // A panic of a worker is a failure of the campaign; the others go on.
                if worker.join().is_err() {
                    self.failed.store(true, Ordering::Relaxed);
                }
            }
            finished.store(true, Ordering::Relaxed);
            progress.thread().unpark();
        });
    }

    fn work(&self) {
        while self.goes_on() {
            let seed = self.next.fetch_add(1, Ordering::Relaxed);
            if seed >= self.until {
                return;
            }
            let outcome = {
                let before = cpu_time();
                let outcome = Scenario::drawn(seed).run();
                let spent = cpu_time().saturating_sub(before).as_millis();
                let spent = u64::try_from(spent).unwrap_or(u64::MAX);
                self.cpu_ms.fetch_add(spent, Ordering::Relaxed);
                outcome
            };
            self.count(outcome);
        }
    }

    fn goes_on(&self) -> bool {
        let keep_going = std::env::var_os("KEEP_GOING").is_some();
        let in_time = self
            .deadline
            .is_none_or(|deadline| Instant::now() < deadline);
        in_time && (keep_going || !self.failed.load(Ordering::Relaxed))
    }

    fn count(&self, outcome: Outcome) {
        self.done.fetch_add(1, Ordering::Relaxed);
        self.simulated_s
            .fetch_add(outcome.simulated.as_secs(), Ordering::Relaxed);
        self.promoted
            .fetch_add(outcome.tally.promoted as u64, Ordering::Relaxed);
        self.rolled_back
            .fetch_add(outcome.tally.rolled_back as u64, Ordering::Relaxed);
        if outcome.violation.is_some() {
            self.failed.store(true, Ordering::Relaxed);
            println!("{outcome}");
            if let Ok(mut failures) = self.failures.lock() {
                failures.push(outcome);
            }
        }
    }

    fn tell_progress(&self, finished: &AtomicBool) {
        loop {
            std::thread::park_timeout(PROGRESS_EVERY);
            if finished.load(Ordering::Relaxed) {
                return;
            }
            eprintln!(
                "{:>4} s  {} worlds, {} violations",
                self.began.elapsed().as_secs(),
                self.done.load(Ordering::Relaxed),
                self.failures().len()
            );
        }
    }

    /// Seeds that failed, and the invariants that they broke.
    fn failures(&self) -> Vec<(u64, String)> {
        let failures = self.failures.lock();
        failures.map_or_else(
            |_| vec![(0, "a worker has panicked".to_owned())],
            |failures| {
                let of = |outcome: &Outcome| {
                    let violation = outcome.violation.as_ref()?;
                    Some((outcome.seed, violation.invariant.to_owned()))
                };
                failures.iter().filter_map(of).collect()
            },
        )
    }

    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    fn summary(&self) {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let hours = count(&self.simulated_s) as f64 / 3_600.0;
        let cpu_s = count(&self.cpu_ms) as f64 / 1_000.0;
        let failures = self.failures();
        println!("seeds from            {}", self.from);
        println!("worlds                {}", count(&self.done));
        println!("platform-hours        {hours:.0}");
        println!("revisions promoted    {}", count(&self.promoted));
        println!("changes taken back    {}", count(&self.rolled_back));
        println!("hours per CPU second  {:.0}", hours / cpu_s.max(0.001));
        println!("violations            {}", failures.len());
        for (seed, invariant) in failures {
            println!("  SEED={seed}  {invariant}");
        }
    }
}
