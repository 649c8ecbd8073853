use std::sync::atomic::AtomicI64;

use cloudwatch_rules::dimensions;
use engine::ports::{AlarmSource, Permit, Urgency};
use schema::names::ServiceName;
use schema::platform::{Comparison, TreatMissingData};
use schema::signals::{ECS_NAMESPACE, Signal};
use schema::status::AlarmState;
use tempfile::TempDir;

use super::*;

/// 2026-11-23T02:20:00Z.
const START_MS: i64 = 1_795_400_400_000;

/// A state directory, metrics, and a clock that only the test moves.
struct World {
    state: TempDir,
    metrics: Arc<MetricStore>,
    second: Arc<AtomicI64>,
}

impl World {
    fn new() -> Self {
        Self {
            state: TempDir::new().unwrap(),
            metrics: Arc::default(),
            second: Arc::default(),
        }
    }

    fn start(&self) -> LocalAlarms {
        let second = Arc::clone(&self.second);
        let clock = Clock::new(move || at(second.load(Ordering::SeqCst)));
        LocalAlarms::start_with(Arc::clone(&self.metrics), self.state.path(), clock).unwrap()
    }

    fn file(&self) -> PathBuf {
        self.state.path().join("local/alarms.json")
    }

    /// CPU use of scoring, in percent.
    fn cpu(&self, second: i64, percent: f64) {
        let platform = platform();
        let pairs = dimensions::ecs(&platform, ServiceName::Scoring);
        self.metrics
            .record(ECS_NAMESPACE, "CPUUtilization", &pairs, percent, at(second));
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_millisecond(START_MS + second * 1_000).unwrap()
}

fn platform() -> PlatformName {
    PlatformName::try_from("local").unwrap()
}

fn definition() -> AlarmDefinition {
    AlarmDefinition {
        platform: platform(),
        name: AlarmName("scoring-cpu".to_owned()),
        source: AlarmSource::Signal {
            signal: Signal::CpuUtilization,
            service: Some(ServiceName::Scoring),
        },
        comparison: Comparison::GreaterThanThreshold,
        threshold: 80.0,
        period_ms: 10_000,
        evaluation_periods: 1,
        datapoints_to_alarm: 1,
        min_samples: 0,
        treat_missing_data: TreatMissingData::Missing,
        notifies: false,
    }
}

async fn observed(alarms: &LocalAlarms) -> Option<ObservedAlarm> {
    let found = alarms
        .observe(&BTreeSet::from([platform()]), Urgency::Resync)
        .await
        .unwrap();
    found.found.into_iter().next()
}

/// Waits for a transition; paused time passes by itself, so that this is bounded but takes none.
async fn next(hints: &mut broadcast::Receiver<Transition>) -> Transition {
    tokio::time::timeout(Duration::from_secs(60), hints.recv())
        .await
        .expect("a transition within a minute")
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_firing_alarm_wakes_those_who_subscribed_and_is_saved_first() {
    let world = World::new();
    let alarms = world.start();
    let mut hints = alarms.subscribe();
    alarms.put(&definition(), Permit::free()).await.unwrap();
    world.cpu(5, 95.0);
    world.second.store(12, Ordering::SeqCst);

    let hint = next(&mut hints).await;
    assert_eq!((hint.to, hint.at), (AlarmState::Alarm, at(12)));
    let saved = std::fs::read_to_string(world.file()).unwrap();
    assert!(saved.contains("\"ALARM\""), "{saved}");
    let alarm = observed(&alarms).await.unwrap();
    assert_eq!((alarm.state, alarm.value), (AlarmState::Alarm, Some(95.0)));
    assert_eq!(alarms.history(&platform(), &definition().name), [hint]);
}

#[tokio::test(start_paused = true)]
async fn a_restart_finds_alarms_as_they_were() {
    let world = World::new();
    let alarms = world.start();
    let mut hints = alarms.subscribe();
    alarms.put(&definition(), Permit::free()).await.unwrap();
    world.cpu(5, 95.0);
    world.second.store(12, Ordering::SeqCst);
    next(&mut hints).await;
    let before = observed(&alarms).await.unwrap();
    drop(alarms);

    world.second.store(20, Ordering::SeqCst);
    let alarms = World {
        metrics: Arc::default(),
        ..world
    }
    .start();
    let after = observed(&alarms).await.unwrap();
    assert_eq!(
        after,
        ObservedAlarm {
            value: None,
            judged_since: at(20),
            ..before
        }
    );
}

#[tokio::test(start_paused = true)]
async fn values_alone_write_nothing() {
    let world = World::new();
    let alarms = world.start();
    let mut hints = alarms.subscribe();
    alarms.put(&definition(), Permit::free()).await.unwrap();
    world.cpu(5, 10.0);
    world.second.store(12, Ordering::SeqCst);
    assert_eq!(next(&mut hints).await.to, AlarmState::Ok);

    std::fs::remove_file(world.file()).unwrap();
    world.cpu(15, 20.0);
    world.second.store(22, Ordering::SeqCst);
    tokio::time::sleep(TICK * 5).await;
    assert_eq!(observed(&alarms).await.unwrap().value, Some(20.0));
    assert!(!world.file().exists(), "nothing changed but a value");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_saved_is_told_and_tried_again() {
    let world = World::new();
    let alarms = world.start();
    // A folder in its place keeps the file from being written, even for root.
    std::fs::create_dir(world.file()).unwrap();
    let refused = alarms.put(&definition(), Permit::free()).await;
    assert!(
        matches!(refused, Err(PortError::Unavailable { .. })),
        "{refused:?}"
    );

    std::fs::remove_dir(world.file()).unwrap();
    let written = async {
        while !world.file().exists() {
            tokio::time::sleep(TICK).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), written)
        .await
        .expect("saved within a minute");
}

#[tokio::test(start_paused = true)]
async fn a_deleted_alarm_stays_deleted() {
    let world = World::new();
    let alarms = world.start();
    alarms.put(&definition(), Permit::free()).await.unwrap();
    alarms
        .delete(&platform(), &definition().name, Permit::free())
        .await
        .unwrap();
    alarms
        .delete(&platform(), &definition().name, Permit::free())
        .await
        .unwrap();
    drop(alarms);
    assert_eq!(observed(&world.start()).await, None);
}

#[tokio::test(start_paused = true)]
async fn saved_alarms_that_make_no_sense_are_an_error_that_names_the_file() {
    let world = World::new();
    std::fs::create_dir(world.state.path().join("local")).unwrap();
    std::fs::write(world.file(), "{").unwrap();
    let error = LocalAlarms::start(Arc::default(), world.state.path()).unwrap_err();
    assert!(error.to_string().contains("alarms.json"), "{error}");
}
