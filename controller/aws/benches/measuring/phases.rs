//! What is done, phase by phase.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use schema::infrastructure::INFRASTRUCTURE_PATH;
use tokio::time::{Instant, sleep};

use super::controller::{Controller, RESYNC};
use super::figures::{Figures, Measuring, notes};
use super::specs::{ALARMS, GUARD, SERVICES, infrastructure, name, path, spec};
use crate::account::{Account, Quotas, Snapshot};

/// Scoring's version at first, and what it is changed to.
const FIRST: &str = "0.1.0";
const EDITED: &str = "0.1.1";
const BAD: &str = "0.1.2";
const EDITED_EVERYWHERE: &str = "0.2.0";
/// Age of an account whose alarms have long been quiet.
const QUIET: Duration = Duration::from_hours(25);
/// How long anything may take in simulated time before the benchmark gives up.
const PATIENCE: Duration = Duration::from_hours(4);
/// The call that brings an edit of scoring's image out.
const UPDATE: &str = "UpdateService";
/// Simulated time between two looks of the benchmark.
const STEP: Duration = Duration::from_millis(500);
/// Resyncs that are measured together: a little more than an hour, in which all alarms are listed once.
const RESYNCS: u64 = 13;
/// One in so many platforms takes its change back while an edit of all waits.
const EVERY: usize = 50;
/// Platforms up to which everything is made within the quotas. A thousand wait for hours, looked at once a minute
/// meanwhile: theirs are lifted.
const LIMITED_UP_TO: usize = 100;

/// Everything made from nothing.
pub(crate) async fn cold(platforms: usize) -> (Vec<Figures>, Snapshot) {
    let is_limited = platforms <= LIMITED_UP_TO;
    let quotas = if is_limited {
        Quotas::Documented
    } else {
        Quotas::Lifted
    };
    let account = Account::empty("2026-03-02T08:00:00Z".parse::<Timestamp>().unwrap(), quotas);
    let provided = serde_json::to_string(&infrastructure()).unwrap();
    account.write(INFRASTRUCTURE_PATH, provided).await;
    write_specs(&account, 0..platforms, FIRST).await;

    let measuring = Measuring::begin("cold start", &account);
    let controller = Controller::start(&account, quotas).await;
    let wanted = (SERVICES * platforms, ALARMS * platforms);
    let is_made = || account.sizes() == wanted;
    until(&controller, STEP * 10, "everything is made", is_made).await;
    let made_s = measuring.began().elapsed().as_secs_f64();
    until_ready(&controller, platforms).await;
    let mut figures = measuring.end(&account, platforms);
    // First revisions bake although their platforms are ready: whoever takes over then finds them moving.
    let are_at_rest = || controller.at_rest() >= platforms;
    until(&controller, STEP * 20, "all are at rest", are_at_rest).await;
    figures.more.insert(notes::MADE_S.to_owned(), made_s);
    figures.note(notes::IS_LIMITED, u64::from(is_limited));
    controller.stop().await;
    (vec![figures], account.snapshot().await)
}

/// An account where everything is as it should be, and what may happen to it.
pub(crate) async fn warm(platforms: usize, snapshot: Snapshot) -> Vec<Figures> {
    let account = Account::restored(snapshot, QUIET).await;
    let (controller, restart) = restart(&account, platforms).await;
    let mut figures = vec![restart];
    // Rounds spread out a little, and the settings are known.
    sleep(RESYNC * 2).await;
    figures.push(resync(&account, &controller, platforms).await);
    figures.push(one_edit(&account, &controller, platforms).await);
    figures.push(alarm_fires(&account, &controller, platforms).await);
    if platforms > 1 {
        figures.push(edit_of_all(&account, &controller, platforms).await);
    }
    controller.stop().await;
    figures
}

async fn restart(account: &Account, platforms: usize) -> (Controller, Figures) {
    let measuring = Measuring::begin("restart", account);
    let controller = Controller::start(account, Quotas::Documented).await;
    // What is called of the APIs second by second, from the first call on: before it documents are read.
    let mut seconds: Vec<u64> = Vec::new();
    let mut before = 0;
    let mut quiet_s = 0;
    while seconds.len() < 60 || usize::try_from(controller.rounds().0).unwrap() < platforms {
        sleep(Duration::from_secs(1)).await;
        let called = measuring.called(account).api_calls();
        if called == 0 {
            quiet_s += 1;
        } else {
            seconds.push(called - before);
        }
        before = called;
    }
    let mut figures = measuring.end(account, platforms);
    figures.note(notes::QUIET_S, quiet_s);
    figures.note(notes::FIRST_MINUTE, seconds.iter().take(60).sum());
    let busiest = seconds.into_iter().max();
    figures.note(notes::BUSIEST_SECOND, busiest.unwrap_or_default());
    until_ready(&controller, platforms).await;
    (controller, figures)
}

async fn resync(account: &Account, controller: &Controller, platforms: usize) -> Figures {
    let measuring = Measuring::begin("no-op resync", account);
    let (before, _) = controller.rounds();
    let rounds = RESYNCS * u64::try_from(platforms).unwrap();
    until(controller, STEP, "everything is looked at", || {
        controller.rounds().0 >= before + rounds
    })
    .await;
    measuring.end(account, platforms).shared_among(RESYNCS)
}

async fn one_edit(account: &Account, controller: &Controller, platforms: usize) -> Figures {
    let measuring = edit("one edit", account, controller, 0..1, EDITED).await;
    until(controller, STEP, "the edit has its first call", || {
        !measuring.called(account).changes().is_empty()
    })
    .await;
    let first_call = account.first_change(&name(0), measuring.began());
    let first_call = first_call.map_or(f64::NAN, |at| (at - measuring.began()).as_secs_f64());
    let passes = || controller.passed() == 1;
    until(controller, STEP, "the edit passes", passes).await;
    let mut figures = measuring.end(account, platforms);
    figures
        .more
        .insert(notes::FIRST_CALL_S.to_owned(), first_call);
    figures
}

/// One platform bakes a bad change while the others rest.
async fn alarm_fires(account: &Account, controller: &Controller, platforms: usize) -> Figures {
    edit("edit before the alarm", account, controller, 0..1, BAD).await;
    let number = until_baking(controller).await;
    let measuring = Measuring::begin("an alarm that fires", account);
    let first_call = set_off(account, controller, number).await;
    let mut figures = measuring.end(account, platforms);
    figures
        .more
        .insert(notes::FIRST_CALL_S.to_owned(), first_call);
    sleep(RESYNC).await;
    account.clear(&name(number), GUARD);
    sleep(RESYNC * 2).await;
    figures
}

/// Every platform is edited, and one after another of the first takes its change back while most still wait.
async fn edit_of_all(account: &Account, controller: &Controller, platforms: usize) -> Figures {
    let all = 0..platforms;
    let measuring = edit(
        "an edit of all",
        account,
        controller,
        all,
        EDITED_EVERYWHERE,
    )
    .await;
    let mut overtaking = Vec::new();
    for _ in 0..platforms.div_ceil(EVERY) {
        let victim = until_baking(controller).await;
        overtaking.push(set_off(account, controller, victim).await);
    }
    let still_waiting = platforms - updated(account, &measuring);
    until(controller, STEP * 10, "every service is updated", || {
        updated(account, &measuring) >= platforms
    })
    .await;
    let called = measuring.called(account);
    let mut updates = called.changes().iter();
    let last = updates.rfind(|it| it.operation == UPDATE);
    let updated_s = last.map_or(0.0, |it| (it.at - measuring.began()).as_secs_f64());
    let mut figures = measuring.end(account, platforms);
    figures.more.insert(notes::UPDATED_S.to_owned(), updated_s);
    figures
        .more
        .insert(notes::FIRST_CALL_S.to_owned(), slowest(&overtaking));
    figures.note(notes::ALARMS, u64::try_from(overtaking.len()).unwrap());
    figures.note(notes::WAITING, u64::try_from(still_waiting).unwrap());
    figures
}

async fn edit(
    phase: &'static str,
    account: &Account,
    controller: &Controller,
    numbers: std::ops::Range<usize>,
    version: &str,
) -> Measuring {
    controller.forget_news();
    write_specs(account, numbers, version).await;
    let measuring = Measuring::begin(phase, account);
    controller.hint_specs().await;
    measuring
}

async fn write_specs(account: &Account, numbers: std::ops::Range<usize>, version: &str) {
    for number in numbers {
        account.write(&path(number), spec(number, version)).await;
    }
}

/// Platforms whose scoring was updated.
fn updated(account: &Account, measuring: &Measuring) -> usize {
    let called = measuring.called(account);
    let updates = called.changes().iter().filter(|it| it.operation == UPDATE);
    let platforms: BTreeSet<_> = updates.map(|it| &it.platform).collect();
    platforms.len()
}

/// Waits until a platform begins to bake, and has done so for a while; its number.
async fn until_baking(controller: &Controller) -> usize {
    let others = controller.baking();
    let begun = || controller.baking().difference(&others).next().cloned();
    let has_begun = || begun().is_some();
    until(controller, STEP * 10, "a change bakes", has_begun).await;
    let platform = begun().unwrap();
    // A bake lasts 70 s.
    sleep(Duration::from_secs(25)).await;
    platform[1..].parse().unwrap()
}

/// The guard of a platform fires; seconds until the first call of taking its change back.
async fn set_off(account: &Account, controller: &Controller, number: usize) -> f64 {
    let platform = name(number);
    account.fire(&platform, GUARD);
    let fired_at = Instant::now();
    controller.hint_of_firing(&platform).await;
    let first_change = || account.first_change(&platform, fired_at);
    let step = Duration::from_millis(10);
    let is_taken_back = || first_change().is_some();
    until(controller, step, "a change is taken back", is_taken_back).await;
    first_change().map_or(f64::NAN, |at| (at - fired_at).as_secs_f64())
}

fn slowest(seconds: &[f64]) -> f64 {
    seconds.iter().copied().fold(0.0, f64::max)
}

async fn until_ready(controller: &Controller, platforms: usize) {
    // To look at them takes a while: the more there are, the less often.
    let step = STEP * u32::try_from(platforms / 10).unwrap().clamp(2, 60);
    let are_ready = || controller.ready() >= platforms;
    until(controller, step, "all are ready", are_ready).await;
}

async fn until(
    controller: &Controller,
    step: Duration,
    what: &str,
    mut is_so: impl FnMut() -> bool,
) {
    let began = Instant::now();
    while !is_so() {
        let is_in_vain = began.elapsed() > PATIENCE;
        assert!(
            !is_in_vain,
            "in vain until {what}: {}",
            controller.unready()
        );
        sleep(step).await;
    }
}

impl Figures {
    #[expect(clippy::cast_precision_loss, reason = "counts of a benchmark fit")]
    fn note(&mut self, name: &str, count: u64) {
        self.more.insert(name.to_owned(), count as f64);
    }

    /// What one of `count` equal parts took.
    #[expect(clippy::cast_precision_loss, reason = "counts of a benchmark fit")]
    fn shared_among(mut self, count: u64) -> Self {
        self.api_calls = self.api_calls.div_ceil(count);
        self.object_calls = self.object_calls.div_ceil(count);
        self.cpu_s /= count as f64;
        self.account_cpu_s /= count as f64;
        self.time_s /= count as f64;
        for calls in self.by_operation.values_mut() {
            *calls = calls.div_ceil(count);
        }
        self
    }
}
