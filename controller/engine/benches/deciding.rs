//! How long deciding takes, and how long a round in which nothing is to be done: `make bench`.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark that cannot go on stops, and prints what it measured"
)]

#[expect(dead_code, reason = "the tests use all of it")]
#[path = "../tests/support/mod.rs"]
mod support;

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::decide::decide;
use engine::observed::Observed;
use engine::reconcile::reconcile;
use engine::state::PlatformState;
use schema::names::PlatformName;
use support::{TinyWorld, is_ready};

const SPEC: &str = include_str!("../../../specs/local.yaml");
/// Goal for one decision, in microseconds.
const GOAL_US: f64 = 20.0;
/// Repetitions of which the median is told.
const RUNS: usize = 9;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let world = Arc::new(TinyWorld::default());
    world.writes("specs/local.yaml", SPEC);
    let controller = world.runs();
    controller.sees("local", "ready", is_ready).await;
    controller.stops().await;
    let state = world.state("local");
    let observed = world.observed(&state.platform).await;

    let one = median(1_000, || {
        black_box(decide(black_box(&state), black_box(&observed), 1));
    });
    let platforms: Vec<(PlatformState, Observed)> = (0..1_000)
        .map(|number| named(&state, &observed, number))
        .collect();
    for (state, observed) in &platforms {
        assert!(decide(state, observed, 1).plan.is_empty(), "it is at rest");
    }
    let thousand = median(1, || {
        for (state, observed) in &platforms {
            black_box(decide(black_box(state), black_box(observed), 1));
        }
    });
    println!("deciding (desired + advance + plan + report), no I/O; median of {RUNS}");
    tell("one platform", one);
    tell("1,000 platforms, each", thousand / 1_000);
    println!(
        "  {:<28}{:>9.2} ms",
        "1,000 platforms, all",
        thousand.as_secs_f64() * 1e3
    );
    no_op_reconcile(&world, &state).await;
}

/// A round of the real `reconcile`, its documents in memory: beside what it decides, it reads, compares
/// and shows.
async fn no_op_reconcile(world: &Arc<TinyWorld>, state: &PlatformState) {
    let context = world.context();
    let entry = world.entry(state);
    let mut times = Vec::new();
    for _ in 0..RUNS * 100 {
        let began = Instant::now();
        reconcile(Arc::clone(&entry), Arc::clone(&context))
            .await
            .unwrap();
        times.push(began.elapsed());
    }
    times.sort_unstable();
    println!(
        "a whole round with nothing to do, ports in memory; median of {}",
        times.len()
    );
    let middle = micros(times[times.len() / 2]);
    println!("  {:<28}{middle:>9.1} µs", "reconcile");
}

/// The same platform under another name.
fn named(state: &PlatformState, observed: &Observed, number: usize) -> (PlatformState, Observed) {
    let platform = PlatformName::try_from(format!("p{number}").as_str()).unwrap();
    let (mut state, mut observed) = (state.clone(), observed.clone());
    for service in observed.services.values_mut() {
        service.platform = platform.clone();
    }
    for alarm in observed.alarms.values_mut() {
        alarm.definition.platform = platform.clone();
    }
    state.platform = platform;
    (state, observed)
}

/// Median time of one `run`, each measured over `repetitions`.
fn median(repetitions: u32, mut run: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let began = Instant::now();
            for _ in 0..repetitions {
                run();
            }
            began.elapsed() / repetitions
        })
        .collect();
    times.sort_unstable();
    times[RUNS / 2]
}

fn tell(what: &str, time: Duration) {
    let time = micros(time);
    let verdict = if time <= GOAL_US { "within" } else { "above" };
    println!("  {what:<28}{time:>9.2} µs   {verdict} the goal of {GOAL_US} µs");
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
