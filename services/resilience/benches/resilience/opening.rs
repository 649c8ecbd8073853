//! How soon a breaker opens when a dependency that has long worked fails altogether.

use std::time::{Duration, Instant};

use resilience::{Breaker, BreakerConfig, Outcome, Settled};

use crate::measure::Figure;
use crate::table::{Limit, Table};
use crate::theirs::{by_count, by_time, failsafe_caller, recloser_caller, tower_caller};

const SUCCESSES: u32 = 10_000;
/// Failures after which nobody waits any longer.
const ENOUGH: u32 = 100_000;

/// Prints how many failures it takes each, after many successes.
pub(crate) fn show(table: &mut Table) {
    let in_a_row = BreakerConfig::default();
    let rate_alone = BreakerConfig {
        consecutive_failures: ENOUGH,
        ..in_a_row
    };
    let ours = [
        failures(
            "ours: default, 10 in a row",
            our_caller(in_a_row, Duration::ZERO),
        ),
        failures(
            "ours: rate alone, successes 30 s ago",
            our_caller(rate_alone, in_a_row.sliding_window),
        ),
    ];
    table.title("failures until it opens, after 10,000 successes (100,000: it did not)");
    table.rows(
        &ours[..1],
        Some(Limit::count(in_a_row.consecutive_failures)),
    );
    table.rows(
        &ours[1..],
        Some(Limit::count(in_a_row.minimum_number_of_calls)),
    );
    let by_count = tower_caller(&by_count());
    table.rows(
        &[
            failures("failsafe: moving average of 30 s", failsafe_caller()),
            failures("recloser: the last 20 calls", recloser_caller()),
            failures("tower-resilience: 20 calls", by_count),
            failures("tower-resilience: window of 30 s", tower_caller(&by_time())),
            failures(
                "ours: rate alone, successes just now",
                our_caller(rate_alone, Duration::ZERO),
            ),
        ],
        None,
    );
}

fn failures(name: &'static str, mut call: impl FnMut(bool) -> bool) -> Figure {
    for _ in 0..SUCCESSES {
        assert!(call(true), "{name} refused though all was well");
    }
    let failures = (0..ENOUGH).take_while(|_| call(false)).count();
    Figure {
        name,
        value: u32::try_from(failures).unwrap().into(),
    }
}

/// Our breaker, whose failures come `later` than its successes.
fn our_caller(config: BreakerConfig, later: Duration) -> impl FnMut(bool) -> bool {
    let mut breaker = Breaker::new(config, 7);
    let start = Instant::now();
    move |answers| {
        let now = if answers { start } else { start + later };
        let Ok(permit) = breaker.acquire(now) else {
            return false;
        };
        let settled = Settled {
            outcome: if answers {
                Outcome::Success
            } else {
                Outcome::Failure
            },
            elapsed: Duration::ZERO,
            retry_after: None,
        };
        breaker.settle(permit, &settled, now);
        true
    }
}
