//! What the layers around a call cost, beside other crates that do the same, in one run:
//! `make bench BENCH=resilience`.
//!
//! In every round each contender has its turn, so that what else the machine does hits all alike. Ends
//! with 1 when a goal is missed.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark that cannot go on stops, and prints what it measured"
)]

mod measure;
mod opening;
mod ours;
mod table;
mod theirs;

use std::hint::black_box;
use std::process::ExitCode;
use std::time::Instant;

use measure::{Contender, allocations, alone, together};
use table::{Limit, Table};

/// Reading the clock once is most of it.
const CHECK_AND_RECORD: Limit = Limit::ns(60.0);
/// Each of two threads takes hardly longer than one alone: by all calls that is a half, and a little for what a machine
/// shares.
const OF_TWO_THREADS: f64 = 0.6;
const REJECTION: Limit = Limit::ns(50.0);
const FULL_STACK: Limit = Limit::ns(800.0);

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let _timers = runtime.enter();
    let mut table = Table::default();
    table.title("reading the clock: ns");
    let clock = Contender::new("std::time::Instant::now", || {
        black_box(Instant::now());
    });
    table.rows(&alone(&[clock]), None);
    check_and_record(&mut table);
    rejection(&mut table);
    full_stack(&mut table);
    opening::show(&mut table);
    table.verdict()
}

fn check_and_record(table: &mut Table) {
    let contenders = [
        ours::breaker(),
        theirs::failsafe(),
        theirs::recloser(),
        theirs::tower_breaker_by_count(),
        theirs::tower_breaker_by_time(),
    ];
    table.title("a breaker's check and record, a success: ns on one thread");
    let alone = alone(&contenders);
    table.rows(&alone, Some(CHECK_AND_RECORD));
    table.title("the same: ns on two threads, wall time by all calls");
    let flat = alone
        .first()
        .map(|ours| Limit::ns(ours.value * OF_TWO_THREADS));
    // Its exact window takes so long that there is nothing to be seen of threads.
    let (_by_time, others) = contenders.split_last().unwrap();
    table.rows(&together(others), flat);
}

fn rejection(table: &mut Table) {
    let contenders = [
        ours::open_breaker(),
        ours::rejecting_policy(),
        theirs::open_failsafe(),
        theirs::open_recloser(),
        theirs::open_tower_breaker(),
    ];
    table.title("a call that an open breaker refuses: ns");
    table.rows(&alone(&contenders), Some(REJECTION));
    table.title("allocations of it");
    table.rows(&allocations(&contenders[..2]), Some(Limit::none()));
    table.rows(&allocations(&contenders[2..]), None);
}

fn full_stack(table: &mut Table) {
    let contenders = [
        ours::policy(),
        theirs::tower_stack(),
        Contender::new("the call itself, without layers", || {
            measure::finish(async { black_box(Ok::<u32, ours::Down>(712)) }).unwrap();
        }),
    ];
    table.title(
        "deadline, bulkhead, retry, budget, breaker, attempt timeout, a call that is answered: ns",
    );
    table.rows(&alone(&contenders), Some(FULL_STACK));
    table.title("the same: ns on two threads, wall time by all calls");
    table.rows(&together(&contenders), Some(FULL_STACK));
    table.title("allocations of it");
    table.rows(&allocations(&contenders), Some(Limit::none()));
}
