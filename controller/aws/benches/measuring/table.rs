//! What is printed: each phase beside its limit and beside the same work done naively.

use std::time::Duration;

use aws_adapter::quota::Family;

use super::controller::{RESYNC, SHARE_PERCENT};
use super::figures::{Figures, notes};
use super::specs::{ALARMS, SERVICES};

/// Platforms from which on the goals hold: fewer do not fill the calls of a resync.
const GOALS_FROM: usize = 1_000;
/// Goals for a resync with nothing to do.
const CPU_S: f64 = 1.0;
const RESIDENT_MIB: f64 = 128.0;
/// Goal for the first call of taking a change back, in seconds.
const FIRST_CALL_S: f64 = 0.5;
/// Goal for an edit of all, as a multiple of what the quotas allow.
const ABOVE_FLOOR: f64 = 1.1;
const HEADINGS: [&str; 10] = [
    "",
    "API calls",
    "S3 calls",
    "changes",
    "throttled",
    "CPU s",
    "MiB",
    "time",
    "naive calls",
    "naive time",
];
const WIDTHS: [usize; 10] = [20, 14, 10, 9, 11, 14, 12, 26, 13, 13];

/// Prints all of it; whether the calls of a resync are as they should be.
pub(crate) fn tell(all: &[Figures]) -> bool {
    println!(
        "The controller on AWS: engine, adapter and SDK as in production, on an account in memory.\n\
         Time is simulated: a call takes 30 to 80 ms, S3's 15 to 30; quotas are enforced as documented, and \
         {SHARE_PERCENT} % of them used.\nCPU and memory are this machine's, and the controller's alone: the \
         account's own are subtracted, but for its memory in a cold start, where it grows. \
         \"Naive\" is one describe per service and per alarm, at the same quotas; limits stand behind a \
         stroke."
    );
    for figures in all {
        if figures.phase == "cold start" {
            tell_headings(figures.platforms);
        }
        tell_phase(figures);
    }
    let largest = all.iter().map(|it| it.platforms).max().unwrap_or_default();
    let of_largest = all.iter().filter(|it| it.platforms == largest);
    println!();
    let goals: Vec<Goal> = of_largest.flat_map(goals).collect();
    for goal in &goals {
        goal.tell();
    }
    let is_kept = |it: &Goal| it.is_met || !it.is_binding || largest < GOALS_FROM;
    goals.iter().all(is_kept) && all.iter().all(changes_nothing_at_rest)
}

fn changes_nothing_at_rest(figures: &Figures) -> bool {
    figures.phase != "no-op resync" || figures.mutating + figures.state_writes() == 0
}

fn tell_headings(platforms: usize) {
    let (services, alarms) = (SERVICES * platforms, ALARMS * platforms);
    println!("\n{platforms} platforms: {services} services, {alarms} alarms");
    tell_row(&HEADINGS.map(str::to_owned));
}

fn tell_phase(figures: &Figures) {
    let naive = Naive::of(figures);
    let limits = Limits::of(figures);
    let with = |figure: String, limit: Option<String>| match limit {
        Some(limit) => format!("{figure} / {limit}"),
        None => figure,
    };
    tell_row(&[
        figures.phase.clone(),
        with(
            figures.api_calls.to_string(),
            limits.api_calls.map(|it| it.to_string()),
        ),
        figures.object_calls.to_string(),
        figures.mutating.to_string(),
        figures.throttled.to_string(),
        with(
            format!("{:.2}", figures.cpu_s),
            limits.cpu_s.map(|it| format!("{it:.1}")),
        ),
        with(
            format!("{:.0}", figures.resident_mib),
            limits.resident_mib.map(|it| format!("{it:.0}")),
        ),
        with(time(figures.headline_s()), limits.time_s.map(time)),
        naive.calls.to_string(),
        time(naive.time_s),
    ]);
    let calls = figures.by_operation.iter();
    let calls: Vec<String> = calls
        .map(|(name, calls)| format!("{name} {calls}"))
        .collect();
    println!("    {}", calls.join(", "));
    let more: Vec<String> = figures
        .more
        .iter()
        .map(|(name, it)| format!("{name} {it:.3}"))
        .collect();
    if !more.is_empty() {
        println!("    {}", more.join(", "));
    }
    if figures.phase == "cold start" && !figures.is_limited() {
        let floor = time(cold_floor_s(figures.platforms));
        println!("    with quotas lifted; within them it takes {floor} at least");
    }
}

fn tell_row(cells: &[String; 10]) {
    let mut row = format!("  {:<width$}", cells[0], width = WIDTHS[0]);
    for (cell, width) in cells.iter().zip(WIDTHS).skip(1) {
        row.push_str(&format!("{cell:>width$}"));
    }
    println!("{row}");
}

/// The same work, one describe per service and per alarm.
struct Naive {
    calls: u64,
    time_s: f64,
}

impl Naive {
    fn of(figures: &Figures) -> Self {
        let platforms = figures.platforms;
        let of_all = Self {
            calls: count(platforms * (SERVICES + ALARMS + 1)),
            time_s: floor_s(Family::ServiceRead, platforms * SERVICES)
                .max(floor_s(Family::DescribeAlarms, platforms * ALARMS)),
        };
        let writes = |calls: u64| of_all.calls + calls;
        match figures.phase.as_str() {
            "cold start" => Self {
                calls: writes(figures.mutating),
                time_s: of_all.time_s.max(cold_floor_s(platforms)),
            },
            "one edit" | "an edit of all" => Self {
                calls: writes(figures.mutating),
                time_s: of_all.time_s.max(edit_floor_s(figures)),
            },
            _ => of_all,
        }
    }
}

/// The limits of a phase that has any.
#[derive(Default)]
struct Limits {
    api_calls: Option<u64>,
    cpu_s: Option<f64>,
    resident_mib: Option<f64>,
    time_s: Option<f64>,
}

impl Limits {
    fn of(figures: &Figures) -> Self {
        match figures.phase.as_str() {
            "cold start" if figures.is_limited() => Self {
                time_s: Some(cold_floor_s(figures.platforms)),
                ..Self::default()
            },
            "no-op resync" => Self {
                api_calls: Some(resync_budget(figures.platforms)),
                cpu_s: Some(CPU_S),
                resident_mib: Some(RESIDENT_MIB),
                ..Self::default()
            },
            "an alarm that fires" => Self {
                time_s: Some(FIRST_CALL_S),
                ..Self::default()
            },
            "an edit of all" => Self {
                time_s: Some(ABOVE_FLOOR * edit_floor_s(figures)),
                ..Self::default()
            },
            _ => Self::default(),
        }
    }
}

/// A goal of the largest account, and what came of it.
struct Goal {
    what: String,
    is_met: bool,
    /// Counts bind; times do not, for they are this machine's or the engine's.
    is_binding: bool,
}

impl Goal {
    fn new(what: String, is_met: bool) -> Self {
        Self {
            what,
            is_met,
            is_binding: false,
        }
    }

    fn binding(self) -> Self {
        Self {
            is_binding: true,
            ..self
        }
    }

    fn tell(&self) {
        let verdict = if self.is_met { "met   " } else { "missed" };
        println!("{verdict}  {}", self.what);
    }
}

fn goals(figures: &Figures) -> Vec<Goal> {
    match figures.phase.as_str() {
        "no-op resync" => of_resync(figures),
        "restart" => of_restart(figures),
        "an alarm that fires" => vec![of_first_call(figures, "while all others rest")],
        "an edit of all" => of_edit(figures),
        _ => Vec::new(),
    }
}

fn of_resync(figures: &Figures) -> Vec<Goal> {
    let budget = resync_budget(figures.platforms);
    let (calls, changes) = (figures.api_calls, figures.mutating + figures.state_writes());
    let (reads, again) = (figures.made("GET state"), figures.made("GET settings"));
    let (cpu, resident) = (figures.cpu_s, figures.resident_mib);
    let (account_cpu, account) = (figures.account_cpu_s, figures.account_mib);
    vec![
        Goal::new(
            format!("no-op resync: {calls} API calls of {budget}"),
            calls <= budget,
        )
        .binding(),
        Goal::new(
            format!("no-op resync: {changes} mutating calls of 0"),
            changes == 0,
        )
        .binding(),
        Goal::new(
            format!(
                "no-op resync: {reads} states read of 0; of {} settings {again} were read again, each once an hour",
                figures.platforms * SERVICES
            ),
            reads == 0,
        )
        .binding(),
        Goal::new(
            format!("no-op resync: {cpu:.2} s CPU of {CPU_S}; the account took {account_cpu:.2} beside it"),
            cpu < CPU_S,
        ),
        Goal::new(
            format!(
                "no-op resync: {resident:.0} MiB resident of {RESIDENT_MIB}, beyond the {account:.0} that the \
                 account took before the controller began"
            ),
            resident < RESIDENT_MIB,
        ),
    ]
}

fn of_restart(figures: &Figures) -> Vec<Goal> {
    let noted = |name: &str| figures.more.get(name).copied().unwrap_or_default();
    let minute = noted(notes::FIRST_MINUTE);
    let budget = resync_budget(figures.platforms);
    #[expect(clippy::cast_precision_loss, reason = "counts of a benchmark fit")]
    let budget = budget as f64 * 60.0 / RESYNC.as_secs_f64();
    let changes = figures.mutating;
    vec![
        Goal::new(
            format!(
                "restart: {minute} API calls in the first minute of {budget:.0}, a resync's in a minute"
            ),
            minute <= budget,
        ),
        Goal::new(format!("restart: {changes} changes of 0"), changes == 0),
        Goal::new(
            format!("restart: {} calls throttled of 0", figures.throttled),
            figures.throttled == 0,
        ),
    ]
}

fn of_edit(figures: &Figures) -> Vec<Goal> {
    let floor = edit_floor_s(figures);
    let took = figures.headline_s();
    vec![
        Goal::new(
            format!(
                "an edit of all: {} of {ABOVE_FLOOR} × the {} that {SHARE_PERCENT} % of the quotas allow",
                time(took),
                time(floor)
            ),
            took <= ABOVE_FLOOR * floor,
        ),
        of_first_call(figures, "while an edit of all waits, the slowest"),
    ]
}

fn of_first_call(figures: &Figures, when: &str) -> Goal {
    let first = figures
        .more
        .get(notes::FIRST_CALL_S)
        .copied()
        .unwrap_or(f64::NAN);
    let what = format!(
        "an alarm's transition to the first call of taking back, {when}: {} of 500 ms",
        time(first)
    );
    Goal::new(what, first < FIRST_CALL_S)
}

/// A call per ten services, one per hundred alarms, and one per thousand platforms for what is read of all
/// together: scaling, and once an hour dashboards.
fn resync_budget(platforms: usize) -> u64 {
    let of_platforms = platforms.div_ceil(1_000);
    count((SERVICES * platforms).div_ceil(10) + (ALARMS * platforms).div_ceil(100) + of_platforms)
}

/// What the quotas allow for making everything.
fn cold_floor_s(platforms: usize) -> f64 {
    floor_s(Family::TaskDefinitionModify, platforms * SERVICES)
        .max(floor_s(Family::PutMetricAlarm, platforms * ALARMS))
}

/// What the quotas allow for an edit of scoring's image: a registration and an update each.
fn edit_floor_s(figures: &Figures) -> f64 {
    let floor = |family, name| floor_s(family, usize::try_from(figures.made(name)).unwrap());
    floor(Family::TaskDefinitionModify, "RegisterTaskDefinition")
        .max(floor(Family::ServiceModify, "UpdateService"))
}

/// Seconds that so many calls take at the share of a quota that is used.
#[expect(clippy::cast_precision_loss, reason = "counts of a benchmark fit")]
fn floor_s(family: Family, calls: usize) -> f64 {
    let limit = family.documented();
    let share = f64::from(SHARE_PERCENT) / 100.0;
    let beyond_burst = calls as f64 - limit.burst * share;
    (beyond_burst / (limit.per_second * share)).max(0.0)
}

fn count(it: usize) -> u64 {
    u64::try_from(it).unwrap()
}

fn time(seconds: f64) -> String {
    if seconds < 1.0 {
        return format!("{:.0} ms", seconds * 1e3);
    }
    match Duration::from_secs_f64(seconds).as_secs() {
        0..120 => format!("{seconds:.1} s"),
        whole => format!("{} m {:02} s", whole / 60, whole % 60),
    }
}

impl Figures {
    /// The time that the phase is about.
    fn headline_s(&self) -> f64 {
        let noted = |name: &str| self.more.get(name).copied();
        let time_s = match self.phase.as_str() {
            "cold start" => noted(notes::MADE_S),
            "an edit of all" => noted(notes::UPDATED_S),
            "an alarm that fires" => noted(notes::FIRST_CALL_S),
            _ => None,
        };
        time_s.unwrap_or(self.time_s)
    }

    /// Whether it was done within the quotas.
    fn is_limited(&self) -> bool {
        self.more.get(notes::IS_LIMITED).is_some_and(|it| *it > 0.0)
    }

    fn state_writes(&self) -> u64 {
        self.made("PUT state")
    }

    fn made(&self, operation: &str) -> u64 {
        self.by_operation
            .get(operation)
            .copied()
            .unwrap_or_default()
    }
}
