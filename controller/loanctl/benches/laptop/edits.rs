//! From saving a spec to processes and settings.

use std::time::Duration;

use engine::board::PlatformObject;
use jiff::Timestamp;
use schema::status::ServiceStatus;

use crate::admin;
use crate::drive::{self, Kind, Target};
use crate::laptop::{BOUND, Laptop};
use crate::options::Options;
use crate::samples::Samples;
use crate::spec::Spec;
use crate::table::Table;
use crate::view::{View, serves};

/// Clients of the load, each asking again when answered.
const CONNECTIONS: usize = 16;
const POLL: Duration = Duration::from_millis(10);

/// How long after an edit its consequences were there.
struct Followed {
    /// The last new process was started; or every replica had the settings.
    done: Duration,
    /// The status shows every one.
    shown: Duration,
}

/// Prints how soon edits are followed. The platform is as before when it returns.
pub(crate) async fn measure(laptop: &Laptop, spec: &Spec, options: Options) {
    let mut table = Table::new(
        "2. Edits: from saving the spec to",
        ["", "min", "median", "max", "compare"],
    );
    let mut replicas = Vec::new();
    let mut settings = Vec::new();
    for number in 1..=options.repetitions() {
        replicas.push(scale(laptop, &spec.with(&count(2), &count(4)), 4).await);
        scale(laptop, spec, 2).await;
        settings.push(change_budget(laptop, spec, 20 + number).await);
    }
    laptop.save(spec);
    laptop
        .wait("the spec as it was", PlatformObject::is_ready)
        .await;

    let rows = [
        ("scoring 2 → 4: processes started", "", done(&replicas)),
        (
            "scoring 2 → 4: all four serve",
            "required: 10 s",
            shown(&replicas),
        ),
        (
            "retry budget: in force in every replica",
            "required: 3 s",
            done(&settings),
        ),
        (
            "retry budget: and shown in the status",
            "",
            shown(&settings),
        ),
    ];
    for (what, compare, samples) in rows {
        let mut cells = vec![what.to_owned()];
        cells.extend(samples.spread());
        cells.push(compare.to_owned());
        table.row(cells);
    }
    table.note(format!(
        "{} repetitions of each; looked at every {POLL:?}",
        options.repetitions()
    ));
    table.note(
        "limit: intervals, not work: the file settling, the services' next look for settings, the next \
         health check",
    );
    print!("{table}");
}

/// Prints how soon edits of settings are in force while the loan API does all it can, and what its clients notice.
pub(crate) async fn measure_under_load(laptop: &Laptop, spec: &Spec, options: Options) {
    let endpoint = laptop.endpoint();
    let target = Target::new(&endpoint, &endpoint, Kind::Apply).await;
    let changes = async {
        let mut all = Vec::new();
        for number in 1..=options.repetitions() {
            all.push(change_budget(laptop, spec, 30 + number).await);
        }
        all
    };
    let loaded = drive::closed(&target, CONNECTIONS, options.load());
    let (answers, changes) = tokio::join!(loaded, changes);
    laptop.save(spec);
    let mut table = Table::new(
        "6. Edits of settings at full load: in force in every replica",
        ["", "min", "median", "max", "compare"],
    );
    let mut cells = vec!["retry budget".to_owned()];
    cells.extend(done(&changes).spread());
    cells.push("required: 3 s".to_owned());
    table.row(cells);
    table.note(format!(
        "{} answers meanwhile, {:.0} a second, {} of them unexpected (required: none)",
        answers.latencies.count(),
        answers.per_second,
        answers.unexpected
    ));
    table.note("limit: as without load; every look at a replica shares its CPUs with the load");
    print!("{table}");
}

/// Saves a spec with another count, and waits until so many serve.
async fn scale(laptop: &Laptop, spec: &Spec, count: u32) -> Followed {
    let saved_at = Timestamp::now();
    laptop.save(spec);
    let platform = poll(laptop, saved_at, |it| serves(it.service("scoring"), count)).await;
    let shown = since(saved_at);
    let tasks = platform.service("scoring").tasks.iter();
    let last = tasks.map(|task| task.started_at).max().unwrap_or(saved_at);
    Followed {
        done: between(saved_at, last),
        shown,
    }
}

/// Saves a spec with another retry budget, and waits until every replica has it.
async fn change_budget(laptop: &Laptop, spec: &Spec, percent: u32) -> Followed {
    let before = laptop.platform().await;
    let before = &before.service("scoring").settings_revision;
    let spec = spec.with("percent: 20", &format!("percent: {percent}"));
    let saved_at = Timestamp::now();
    laptop.save(&spec);
    let mut done = None;
    loop {
        let platforms = laptop.platforms().await;
        let platform = platforms.first().expect("the platform");
        let scoring = platform.service("scoring");
        if done.is_none() && has_budget(scoring, percent).await {
            done = Some(since(saved_at));
        }
        let revision = &scoring.settings_revision;
        let mut of_tasks = scoring.tasks.iter().map(|task| &task.settings_revision);
        if let Some(done) = done
            && revision != before
            && of_tasks.all(|it| it == revision)
        {
            let shown = since(saved_at);
            return Followed { done, shown };
        }
        assert!(since(saved_at) < BOUND, "not live: {platform:#?}");
        tokio::time::sleep(POLL).await;
    }
}

async fn has_budget(scoring: &ServiceStatus, percent: u32) -> bool {
    let all = admin::settings(scoring).await;
    let found = |it: &serde_json::Value| {
        it["settings"]["provider"]["retry"]["budget"]["percent"] == percent
    };
    !all.is_empty() && all.iter().all(found)
}

async fn poll(
    laptop: &Laptop,
    saved_at: Timestamp,
    holds: impl Fn(&PlatformObject) -> bool,
) -> PlatformObject {
    loop {
        let mut platforms = laptop.platforms().await;
        if platforms.first().is_some_and(&holds) {
            return platforms.swap_remove(0);
        }
        assert!(since(saved_at) < BOUND, "not followed: {platforms:#?}");
        tokio::time::sleep(POLL).await;
    }
}

fn count(count: u32) -> String {
    format!("image: scoring:0.1.0\n      desiredCount: {count}")
}

fn done(all: &[Followed]) -> Samples {
    all.iter().map(|it| it.done).collect()
}

fn shown(all: &[Followed]) -> Samples {
    all.iter().map(|it| it.shown).collect()
}

fn since(from: Timestamp) -> Duration {
    between(from, Timestamp::now())
}

fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}
