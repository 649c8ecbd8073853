//! Random worlds: the ones that once failed, and some fresh ones.

use simulation::{Scenario, fresh_seed};

/// Fresh worlds that every run of the tests looks at, beside those that once failed.
const WORLDS: u64 = 4;

fn holds(seed: u64) {
    let outcome = Scenario::drawn(seed).run();
    assert!(outcome.violation.is_none(), "{outcome}");
}

#[test]
fn every_invariant_holds_in_worlds_that_once_failed() {
    let lines = include_str!("../regressions.txt").lines();
    let seeds = lines.filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    for line in seeds {
        let seed = line.split_whitespace().next().map(str::parse);
        let Some(Ok(seed)) = seed else {
            unreachable!("`{line}` does not begin with a seed");
        };
        holds(seed);
    }
}

/// Other worlds in every run: what fails prints its seed, and fails again by it.
#[test]
fn every_invariant_holds_in_fresh_worlds() {
    let first = fresh_seed();
    (first..first + WORLDS).for_each(holds);
}

#[test]
fn the_same_seed_gives_the_same_world_twice() {
    let fingerprint = || Scenario::drawn(3).run().trace.fingerprint();
    assert_eq!(fingerprint(), fingerprint());
}
