//! The incident: a bad scoring change on a flaky morning; then the same morning once more with an alarm that
//! takes nothing back.

use std::time::Duration;

use engine::board::PlatformObject;
use jiff::{SignedDuration, Timestamp};
use schema::status::{HistoryKind, Phase};

use crate::laptop::{BOUND, Laptop};
use crate::load::{Load, Summary};
use crate::spec::Spec;
use crate::table::Table;
use crate::view::View;

/// Three quarters of what the provider can take.
const PER_SECOND: u32 = 60;
/// Percent without a decision from which a second counts as failing: the alarm's threshold.
const FAILING: f64 = 20.0;
/// The first bake, and time to spare.
const PROVEN: Duration = Duration::from_secs(150);
/// Load before the edit, and after all is said.
const CALM: Duration = Duration::from_secs(15);
const SECOND: SignedDuration = SignedDuration::from_secs(1);

/// When things happened after the edit.
struct Course {
    live: SignedDuration,
    fired: Option<SignedDuration>,
    rollback: SignedDuration,
    back: SignedDuration,
    settled: (Phase, SignedDuration),
    ended: SignedDuration,
}

/// A stretch of time, from the edit on.
struct Window {
    name: &'static str,
    from: SignedDuration,
    to: SignedDuration,
}

/// What clients saw.
struct Seen {
    /// Starts of the failing seconds.
    failing: Vec<SignedDuration>,
    /// One for each window.
    rates: Vec<Summary>,
}

/// Prints the course of the incident.
pub(crate) async fn measure() {
    let good = Spec::new().with("errorRate: 0", "errorRate: 5");
    let (course, windows, guarded) = with_rollback(&good).await;
    let without = good.with("      onAlarm: [RollbackScoring]\n", "");
    let unguarded = without_rollback(&without, &windows, course.ended).await;
    print!("{}", course_table(&course, &guarded, &unguarded));
    print!("{}", rates_table(&windows, &guarded, &unguarded));
}

async fn with_rollback(good: &Spec) -> (Course, Vec<Window>, Seen) {
    let laptop = Laptop::with(good).await;
    let load = Load::start(&laptop.endpoint(), PER_SECOND).await;
    let is_good = |it: &PlatformObject| it.phase() == Phase::Succeeded;
    laptop
        .wait_within(PROVEN, "the first revision to prove good", is_good)
        .await;
    let edited = Timestamp::now();
    laptop.save(&bad(good));
    let course = follow(&laptop, edited).await;
    let failing = failing_seconds(&load, edited, course.ended);
    let windows = windows(&course, &failing);
    let rates = rates(&load, edited, &windows);
    (course, windows, Seen { failing, rates })
}

async fn without_rollback(good: &Spec, windows: &[Window], length: SignedDuration) -> Seen {
    let laptop = Laptop::with(good).await;
    let load = Load::start(&laptop.endpoint(), PER_SECOND).await;
    tokio::time::sleep(CALM).await;
    let edited = Timestamp::now();
    laptop.save(&bad(good));
    tokio::time::sleep(length.unsigned_abs()).await;
    Seen {
        failing: failing_seconds(&load, edited, length),
        rates: rates(&load, edited, windows),
    }
}

/// Short attempts, ten of them with hardly a pause, all the budget, no breaker.
fn bad(good: &Spec) -> Spec {
    good.with("attemptTimeout: 250ms", "attemptTimeout: 50ms")
        .with("maxAttempts: 2", "maxAttempts: 10")
        .with("initialBackoff: 25ms", "initialBackoff: 1ms")
        .with("maxBackoff: 100ms", "maxBackoff: 5ms")
        .with("percent: 20", "percent: 100")
        .with("minRetriesPerSecond: 3", "minRetriesPerSecond: 1000")
        .with("mode: Enabled", "mode: Disabled")
}

async fn follow(laptop: &Laptop, edited: Timestamp) -> Course {
    let elapsed = || Timestamp::now().duration_since(edited);
    laptop
        .wait("the change to be live", |it| it.phase() == Phase::Baking)
        .await;
    let live = elapsed();
    let is_taken_back = |it: &PlatformObject| !it.entries(HistoryKind::RollbackStarted).is_empty();
    let convicted = laptop.wait("an alarm to convict it", is_taken_back).await;
    let is_back = |it: &PlatformObject| it.phase() == Phase::Verifying || is_settled(it);
    laptop.wait("the old revision to be back", is_back).await;
    let back = elapsed();
    let settled = laptop
        .wait_within(2 * BOUND, "the rollback to be judged", is_settled)
        .await;
    let settled = (settled.phase(), elapsed());
    tokio::time::sleep(CALM).await;
    let entry = convicted.entries(HistoryKind::RollbackStarted)[0];
    let fired = entry.evidence.as_ref().and_then(|it| it.fired_at);
    Course {
        live,
        fired: fired.map(|at| at.duration_since(edited)),
        rollback: entry.at.duration_since(edited),
        back,
        settled,
        // Requests of the last second may be under way.
        ended: elapsed() - SECOND,
    }
}

fn is_settled(platform: &PlatformObject) -> bool {
    matches!(
        platform.phase(),
        Phase::RolledBack | Phase::RollbackUnconfirmed | Phase::RollbackFailed
    )
}

fn failing_seconds(load: &Load, edited: Timestamp, length: SignedDuration) -> Vec<SignedDuration> {
    let seconds = (0..length.as_secs()).map(SignedDuration::from_secs);
    let failed = |from: &SignedDuration| {
        let answers = load.between(edited + *from, edited + *from + SECOND);
        answers.without_decision() > FAILING
    };
    seconds.filter(failed).collect()
}

fn windows(course: &Course, failing: &[SignedDuration]) -> Vec<Window> {
    let first = failing.first().copied().unwrap_or(course.live);
    let last = failing
        .last()
        .map_or(course.back, |second| *second + SECOND);
    let window = |name, from, to| Window { name, from, to };
    vec![
        window("before the edit, 10 s", -SECOND * 10, SignedDuration::ZERO),
        window("during: first to last failing second", first, last),
        window("after: the rest", last, course.ended),
        window("from the edit on, all", SignedDuration::ZERO, course.ended),
    ]
}

fn rates(load: &Load, edited: Timestamp, windows: &[Window]) -> Vec<Summary> {
    let rate = |it: &Window| load.between(edited + it.from, edited + it.to);
    windows.iter().map(rate).collect()
}

fn course_table(course: &Course, guarded: &Seen, unguarded: &Seen) -> Table {
    let title = format!(
        "6. The incident: a bad retry policy, a flaky provider, {PER_SECOND} applications/s"
    );
    let mut table = Table::new(&title, ["after the bad edit was saved", "", "compare"]);
    let first = guarded.failing.first().copied();
    let last = guarded.failing.last().copied();
    let from_first = |at: SignedDuration| match first {
        Some(first) => format!(
            "{} after the first failing second began",
            seconds(at - first)
        ),
        None => String::new(),
    };
    let without = |at: Option<&SignedDuration>| format!("without rollback: {}", shown(at.copied()));
    let (phase, settled) = course.settled;
    let back = format!("{}; required: 60 s", from_first(course.back));
    let last_without = format!(
        "{}; watched for {}",
        without(unguarded.failing.last()),
        seconds(course.ended)
    );
    let rows = [
        ("bad revision live", Some(course.live), String::new()),
        (
            "first failing second",
            first,
            without(unguarded.failing.first()),
        ),
        (
            "alarm firing",
            course.fired,
            course.fired.map_or_else(String::new, from_first),
        ),
        (
            "rollback started",
            Some(course.rollback),
            from_first(course.rollback),
        ),
        ("old revision live", Some(course.back), back),
        ("last failing second", last, last_without),
        ("rollback judged", Some(settled), format!("{phase:?}")),
    ];
    for (what, at, compare) in rows {
        table.row([what.to_owned(), shown(at), compare]);
    }
    table.note(format!(
        "failing: a second in which more than {FAILING} % of the applications went without a decision"
    ));
    table.note(
        "limit: the alarm needs two datapoints of ten seconds, each judged when its metrics have come in",
    );
    table
}

fn rates_table(windows: &[Window], guarded: &Seen, unguarded: &Seen) -> Table {
    let mut table = Table::new(
        "   Applications without a decision, in percent",
        ["", "with rollback", "without", "applications"],
    );
    let rate = |it: &Summary| format!("{:.1} %", it.without_decision());
    let both = guarded.rates.iter().zip(&unguarded.rates);
    for (window, (with, without)) in windows.iter().zip(both) {
        let sent = format!("{}, {}", with.sent, without.sent);
        table.row([window.name.to_owned(), rate(with), rate(without), sent]);
    }
    table.note("without: the same edit and load at the same times, the alarm's action removed");
    table.note("limit: the provider, which takes 80 attempts a second and drowns in retries");
    table
}

fn shown(at: Option<SignedDuration>) -> String {
    at.map_or_else(|| "never".to_owned(), seconds)
}

fn seconds(duration: SignedDuration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}
