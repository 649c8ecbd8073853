//! How long, and how many allocations.

use std::hint::black_box;
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// Rounds. What else the machine does only ever adds, so their lower decile is told.
const ROUNDS: usize = 200;
/// Rounds of all threads at once: each has to find every core free.
const RACES: usize = 40;
/// Time that a turn takes, about: short beside the slices in which a busy machine shares its cores, so
/// that most turns run alone.
const TURN: Duration = Duration::from_micros(250);
const THREADS: u32 = 2;
/// Times that a turn of all threads is begun anew because something else had one of their cores.
const TRIES: usize = 20;

/// One way to do the work.
pub(crate) struct Contender {
    name: &'static str,
    /// Prepares what a thread does over and over.
    work: Box<dyn Fn() -> Box<dyn FnMut()> + Sync>,
}

/// What was measured of it.
pub(crate) struct Figure {
    pub(crate) name: &'static str,
    pub(crate) value: f64,
}

impl Contender {
    pub(crate) fn new(name: &'static str, once: impl Fn() + Clone + Sync + 'static) -> Self {
        Self::prepared(name, move || once.clone())
    }

    /// Each thread does what `prepare` gives it.
    pub(crate) fn prepared<W: FnMut() + 'static>(
        name: &'static str,
        prepare: impl Fn() -> W + Sync + 'static,
    ) -> Self {
        Self {
            name,
            work: Box::new(move || Box::new(prepare())),
        }
    }
}

/// Nanoseconds of each contender on one thread.
pub(crate) fn alone(contenders: &[Contender]) -> Vec<Figure> {
    figures(ROUNDS, turn, contenders)
}

/// Nanoseconds of each contender on two threads at once, wall time divided by the calls of both.
pub(crate) fn together(contenders: &[Contender]) -> Vec<Figure> {
    figures(RACES, shared_turn, contenders)
}

/// Lower deciles of so many rounds, in each of which all take turns.
fn figures(
    rounds: usize,
    turn: fn(&Contender, u32) -> Duration,
    contenders: &[Contender],
) -> Vec<Figure> {
    let repetitions: Vec<u32> = contenders.iter().map(repetitions_in_a_turn).collect();
    let mut times = vec![Vec::new(); contenders.len()];
    for _ in 0..rounds {
        for ((contender, repetitions), times) in contenders.iter().zip(&repetitions).zip(&mut times)
        {
            times.push(turn(contender, *repetitions).as_secs_f64() * 1e9 / f64::from(*repetitions));
        }
    }
    contenders
        .iter()
        .zip(times)
        .map(|(contender, mut times)| {
            times.sort_unstable_by(f64::total_cmp);
            Figure {
                name: contender.name,
                value: times[rounds / 10],
            }
        })
        .collect()
}

fn repetitions_in_a_turn(contender: &Contender) -> u32 {
    let mut repetitions = 16;
    while turn(contender, repetitions) < TURN {
        repetitions *= 2;
    }
    repetitions
}

/// Time of `repetitions` on one thread.
fn turn(contender: &Contender, repetitions: u32) -> Duration {
    let mut work = (contender.work)();
    let began = Instant::now();
    for _ in 0..repetitions {
        work();
    }
    began.elapsed()
}

/// Time of `repetitions` that two threads share: from when the first began until the last had ended.
fn shared_turn(contender: &Contender, repetitions: u32) -> Duration {
    let mut races = (0..TRIES).map(|_| race(contender, repetitions));
    races.find_map(Race::time).unwrap_or(Duration::MAX) / THREADS
}

/// When each of two threads was at it.
struct Race(Vec<(Instant, Instant)>);

impl Race {
    /// Time until the last was done; none if they were not at it together for nearly all of it.
    fn time(self) -> Option<Duration> {
        let begins = || self.0.iter().map(|span| span.0);
        let ends = || self.0.iter().map(|span| span.1);
        let wall = ends().max()? - begins().min()?;
        let shared = ends().min()?.saturating_duration_since(begins().max()?);
        (shared * 10 >= wall * 9).then_some(wall)
    }
}

fn race(contender: &Contender, repetitions: u32) -> Race {
    let runtime = tokio::runtime::Handle::current();
    let waiting = AtomicU32::new(THREADS);
    let run = || {
        let _timers = runtime.enter();
        let mut work = (contender.work)();
        waiting.fetch_sub(1, Ordering::AcqRel);
        // A thread that sleeps until it is woken would come too late for most of the race.
        while waiting.load(Ordering::Acquire) > 0 {
            std::hint::spin_loop();
        }
        let began = Instant::now();
        (0..repetitions).for_each(|_| work());
        (began, Instant::now())
    };
    std::thread::scope(|threads| {
        let running: Vec<_> = (0..THREADS).map(|_| threads.spawn(run)).collect();
        let spans = running.into_iter().map(|thread| thread.join().unwrap());
        Race(spans.collect())
    })
}

/// Allocations that doing it once makes, once it is warm.
pub(crate) fn allocations(contenders: &[Contender]) -> Vec<Figure> {
    contenders
        .iter()
        .map(|contender| {
            let mut work = (contender.work)();
            (0..100).for_each(|_| work());
            let counted = allocation_counter::measure(&mut work).count_total;
            Figure {
                name: contender.name,
                value: u32::try_from(counted).unwrap().into(),
            }
        })
        .collect()
}

/// What a future comes to that waits for nothing, or for another thread's lock.
pub(crate) fn finish<T>(future: impl Future<Output = T>) -> T {
    let mut context = Context::from_waker(Waker::noop());
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return black_box(output);
        }
        std::hint::spin_loop();
    }
}
