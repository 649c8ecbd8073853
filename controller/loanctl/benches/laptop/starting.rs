//! From `loanctl up` to a platform that decides.

use std::time::{Duration, Instant};

use engine::board::PlatformObject;
use rustix::process::Signal;

use crate::laptop::{BOUND, Laptop};
use crate::load::Client;
use crate::options::Options;
use crate::samples::Samples;
use crate::spec::Spec;
use crate::table::Table;
use crate::view::{pids, serves};

const POLL: Duration = Duration::from_millis(10);
/// What `loanctl up` prints once its database answers.
const DATABASE_READY: &str = " psql postgres://";

/// When something was first seen, since the start.
struct Start {
    database: Duration,
    ready: Duration,
    decided: Duration,
}

/// Prints how long starting takes, and leaves the last platform running.
pub(crate) async fn measure(spec: &Spec, options: Options) -> Laptop {
    let mut empty = Vec::new();
    let mut existing = Vec::new();
    let mut stops = Vec::new();
    let mut left = None;
    for _ in 0..options.starts() {
        drop(left.take());
        let mut laptop = Laptop::off();
        laptop.save(spec);
        empty.push(start(&mut laptop, &[]).await);
        let earlier = all_pids(&laptop.platform().await);
        let stopping = Instant::now();
        laptop.end(Signal::TERM).await;
        stops.push(stopping.elapsed());
        existing.push(start(&mut laptop, &earlier).await);
        left = Some(laptop);
    }
    print!("{}", table(&empty, &existing, stops));
    left.expect("one start at least")
}

/// Starts it and watches it become ready. The terminal keeps what an earlier run has printed, and the
/// status at first what it has saved, with the tasks that it had.
async fn start(laptop: &mut Laptop, earlier: &[u32]) -> Start {
    let databases = |laptop: &Laptop| laptop.terminal_text().matches(DATABASE_READY).count();
    let printed = databases(laptop);
    let started = Instant::now();
    laptop.start();
    while databases(laptop) == printed {
        check(started, laptop);
        tokio::time::sleep(POLL).await;
    }
    let database = started.elapsed();
    let is_up = |it: &PlatformObject| {
        serves_all(it) && !all_pids(it).iter().any(|pid| earlier.contains(pid))
    };
    while !laptop.platforms().await.iter().any(is_up) {
        check(started, laptop);
        tokio::time::sleep(POLL).await;
    }
    let ready = started.elapsed();
    let client = Client::new(&laptop.endpoint()).await;
    while !matches!(client.apply("first").await, Ok((200, _))) {
        check(started, laptop);
        tokio::time::sleep(POLL).await;
    }
    Start {
        database,
        ready,
        decided: started.elapsed(),
    }
}

/// Ready, and every task serves.
fn serves_all(platform: &PlatformObject) -> bool {
    let mut services = platform.status.services.iter();
    platform.is_ready() && services.all(|it| serves(it, it.desired.unwrap_or(it.running)))
}

fn all_pids(platform: &PlatformObject) -> Vec<u32> {
    platform.status.services.iter().flat_map(pids).collect()
}

fn check(started: Instant, laptop: &Laptop) {
    let terminal = laptop.terminal_text();
    assert!(
        started.elapsed() < BOUND,
        "not up after {BOUND:?}:\n{terminal}"
    );
}

fn table(empty: &[Start], existing: &[Start], stops: Vec<Duration>) -> Table {
    let mut table = Table::new(
        "1. Starting: from `loanctl up` on a built tree",
        ["state directory", "min", "median", "max", "of it"],
    );
    for (kind, starts) in [("empty", empty), ("existing", existing)] {
        let median = |of: fn(&Start) -> Duration| {
            let all: Samples = starts.iter().map(of).collect();
            all.quantile(500).as_secs_f64()
        };
        let database = median(|it| it.database);
        let decided = median(|it| it.decided);
        let ready: Samples = starts.iter().map(|it| it.ready).collect();
        let mut cells = vec![format!("{kind}: to Ready")];
        cells.extend(ready.spread());
        cells.push(format!(
            "PostgreSQL answers at {database:.2} s; first loan decided at {decided:.2} s"
        ));
        table.row(cells);
    }
    let stops: Samples = stops.into_iter().collect();
    let mut cells = vec!["SIGTERM to all ended".to_owned()];
    cells.extend(stops.spread());
    cells.push("idle".to_owned());
    table.row(cells);
    table.note(
        "limit: initdb on an empty directory; then the services' start, their first health check, and \
         the reconcile that sees it",
    );
    table
}
