use engine::ports::AlarmSource;
use proptest::prelude::*;
use schema::names::ServiceName;
use schema::platform::{Comparison, TreatMissingData};
use schema::signals::{NAMESPACE, Signal};
use schema::status::AlarmState::{self, Alarm as Firing, InsufficientData, Ok as Fine};

use super::*;
use crate::dimensions;

/// 2026-11-23T02:20:00Z.
const START_MS: i64 = 1_795_400_400_000;
const ALLOWANCE_MS: u32 = 2_000;

fn at(second: i64) -> Timestamp {
    Timestamp::from_millisecond(START_MS + second * 1_000).unwrap()
}

fn platform() -> PlatformName {
    PlatformName::try_from("local").unwrap()
}

fn name() -> AlarmName {
    AlarmName("scoring-failures".to_owned())
}

/// More than 5 % failures in 2 of 3 periods of ten seconds; 20 calls at least.
fn definition() -> AlarmDefinition {
    AlarmDefinition {
        platform: platform(),
        name: name(),
        source: AlarmSource::Signal {
            signal: Signal::ScoringFailureRatio,
            service: None,
        },
        comparison: Comparison::GreaterThanThreshold,
        threshold: 5.0,
        period_ms: 10_000,
        evaluation_periods: 3,
        datapoints_to_alarm: 2,
        min_samples: 20,
        treat_missing_data: TreatMissingData::Missing,
        notifies: false,
    }
}

fn treating(treat_missing_data: TreatMissingData) -> AlarmDefinition {
    AlarmDefinition {
        treat_missing_data,
        ..definition()
    }
}

/// A book with one alarm, and the store that it is judged on.
struct World {
    store: MetricStore,
    book: AlarmBook,
}

impl World {
    fn new(definition: &AlarmDefinition) -> Self {
        let mut book = AlarmBook::new(ALLOWANCE_MS);
        book.put(definition, at(0)).unwrap();
        Self {
            store: MetricStore::default(),
            book,
        }
    }

    /// Scoring calls of the loan API, and how many failed.
    fn calls(&self, second: i64, calls: u32, failures: u32) {
        let platform = platform();
        let pairs = dimensions::loan_platform(&platform, ServiceName::LoanApi, Some("scoring"));
        for (metric, value) in [("Calls", calls), ("Failures", failures)] {
            self.store
                .record(NAMESPACE, metric, &pairs, f64::from(value), at(second));
        }
    }

    /// The same traffic in every second of a stretch of time.
    fn traffic(&self, seconds: std::ops::Range<i64>, failures_of_ten: u32) {
        for second in seconds {
            self.calls(second, 10, failures_of_ten);
        }
    }

    fn tick(&mut self, second: i64) -> Vec<Transition> {
        self.book.tick(&self.store, at(second))
    }

    fn alarm(&self) -> ObservedAlarm {
        let [alarm] = self
            .book
            .observe(&BTreeSet::from([platform()]))
            .try_into()
            .unwrap();
        alarm
    }

    fn state(&self) -> AlarmState {
        self.alarm().state
    }

    /// The book saved and opened again, with metrics lost.
    fn restart(self, second: i64) -> Self {
        let saved = serde_json::to_string(&self.book.snapshot()).unwrap();
        let snapshot = serde_json::from_str(&saved).unwrap();
        Self {
            store: MetricStore::default(),
            book: AlarmBook::restore(snapshot, ALLOWANCE_MS, at(second)),
        }
    }
}

#[test]
fn a_new_alarm_has_insufficient_data_until_it_is_judged() {
    let mut world = World::new(&definition());
    assert_eq!(world.state(), InsufficientData);
    assert_eq!(world.alarm().since, at(0));
    world.traffic(0..10, 0);
    assert!(
        world.tick(11).is_empty(),
        "the period has ended, but data may be under way"
    );
    world.tick(12);
    assert_eq!(world.state(), Fine);
    assert_eq!(world.alarm().since, at(12));
    assert_eq!(world.alarm().value, Some(0.0));
}

#[test]
fn a_new_alarm_is_judged_by_what_was_measured_before_it_was_made() {
    let mut world = World::new(&definition());
    world.traffic(-30..0, 9);
    world
        .book
        .put(
            &AlarmDefinition {
                threshold: 6.0,
                ..definition()
            },
            at(5),
        )
        .unwrap();
    world.tick(6);
    assert_eq!(world.state(), Firing);
    assert_eq!(world.alarm().since, at(5));
}

#[test]
fn a_firing_alarm_says_when_it_began_and_what_it_saw() {
    let mut world = World::new(&definition());
    world.traffic(0..10, 0);
    world.traffic(10..20, 4);
    world.traffic(20..30, 6);
    let transitions: Vec<Transition> = (0..=32).flat_map(|second| world.tick(second)).collect();

    let [fine, firing] = transitions.as_slice() else {
        panic!("fine, then firing: {transitions:?}");
    };
    assert_eq!(
        (fine.from, fine.to, fine.at),
        (InsufficientData, Fine, at(12))
    );
    assert_eq!((firing.from, firing.to, firing.at), (Fine, Firing, at(32)));
    assert_eq!(firing.value, Some(60.0), "the newest breach");
    assert_eq!(
        firing.first_breach_at,
        Some(at(10)),
        "the start of the first"
    );
    assert_eq!(
        firing.reason,
        "2 of 3 datapoints were > 5 (2 of 3 are needed): 60.0000 from 02:20:20, 40.0000 from 02:20:10"
    );
    let alarm = world.alarm();
    assert_eq!(alarm.state, Firing);
    let last_firing = alarm.last_firing.unwrap();
    assert_eq!(last_firing.at, at(32));
    assert_eq!(last_firing.value, Some(60.0));
}

#[test]
fn a_short_firing_between_two_looks_is_remembered() {
    let mut world = World::new(&definition());
    world.traffic(0..10, 0);
    world.traffic(10..30, 9);
    world.traffic(30..60, 0);
    world.tick(62);
    let alarm = world.alarm();
    assert_eq!((alarm.state, alarm.since), (Fine, at(52)));
    assert_eq!(alarm.last_firing.unwrap().at, at(32));
    let states: Vec<AlarmState> = world
        .book
        .history(&platform(), &name())
        .map(|it| it.to)
        .collect();
    assert_eq!(states, [Fine, Firing, Fine]);
}

#[test]
fn a_suppressed_datapoint_counts_as_missing_but_its_value_is_shown() {
    let mut world = World::new(&definition());
    world.traffic(0..30, 0);
    world.tick(32);
    for period in 3..9 {
        world.calls(period * 10, 19, 19);
    }
    world.tick(92);
    assert_eq!(world.state(), InsufficientData, "19 calls are less than 20");
    assert_eq!(world.alarm().value, Some(100.0));
}

#[test]
fn a_percentile_of_few_samples_is_judged_unless_the_guard_forbids_it() {
    for (min_samples, expected) in [(0, Firing), (1_000, InsufficientData)] {
        let mut world = World::new(&AlarmDefinition {
            source: AlarmSource::Signal {
                signal: Signal::LoanApiLatencyP99,
                service: None,
            },
            threshold: 800.0,
            min_samples,
            ..definition()
        });
        let platform = platform();
        let pairs = dimensions::loan_platform(&platform, ServiceName::LoanApi, None);
        for period in 0..3 {
            world
                .store
                .record(NAMESPACE, "Latency", &pairs, 900.0, at(period * 10));
        }
        world.tick(32);
        assert_eq!(world.state(), expected, "{min_samples}");
        assert_eq!(world.alarm().value, Some(900.0));
    }
}

#[test]
fn writing_a_definition_leaves_the_state_as_it_is() {
    let mut world = World::new(&definition());
    world.traffic(0..30, 9);
    world.tick(32);
    world
        .book
        .put(
            &AlarmDefinition {
                threshold: 99.0,
                ..definition()
            },
            at(33),
        )
        .unwrap();
    let alarm = world.alarm();
    assert_eq!((alarm.state, alarm.since), (Firing, at(22)));
    assert_eq!(alarm.configured_at, at(33));
    assert_eq!(alarm.definition.threshold, 99.0);

    world.tick(34);
    assert_eq!(world.state(), Fine, "what it says now is judged at once");
    assert_eq!(world.alarm().since, at(33));
}

#[test]
fn writing_the_same_definition_again_is_noted_and_changes_nothing_else() {
    let mut world = World::new(&definition());
    world.traffic(0..30, 9);
    world.tick(32);
    let before = world.alarm();
    world.book.put(&definition(), at(33)).unwrap();
    assert!(world.tick(34).is_empty());
    assert_eq!(
        world.alarm(),
        ObservedAlarm {
            configured_at: at(33),
            ..before
        }
    );
}

#[test]
fn when_traffic_stops_the_setting_for_missing_data_decides() {
    let cases = [
        (TreatMissingData::Missing, InsufficientData),
        (TreatMissingData::NotBreaching, Fine),
        (TreatMissingData::Breaching, Firing),
        (TreatMissingData::Ignore, Firing),
    ];
    for (treatment, expected) in cases {
        let mut world = World::new(&treating(treatment));
        world.traffic(0..30, 9);
        world.tick(32);
        assert_eq!(world.state(), Firing, "{treatment:?}");
        world.tick(120);
        assert_eq!(world.state(), expected, "{treatment:?}");
    }
}

#[test]
fn missing_data_that_breaches_fires_without_a_value() {
    let mut world = World::new(&treating(TreatMissingData::Breaching));
    world.tick(1);
    let alarm = world.alarm();
    assert_eq!(alarm.state, Firing);
    assert_eq!(alarm.last_firing.unwrap().value, None);
}

#[test]
fn a_restart_keeps_definitions_states_times_and_transitions() {
    let mut world = World::new(&definition());
    world.traffic(0..10, 0);
    world.traffic(10..30, 9);
    world.tick(32);
    let before = world.alarm();
    let history: Vec<Transition> = world.book.history(&platform(), &name()).cloned().collect();

    let world = world.restart(40);
    assert_eq!(
        world.alarm(),
        ObservedAlarm {
            value: None,
            judged_since: at(40),
            ..before
        }
    );
    let restored: Vec<Transition> = world.book.history(&platform(), &name()).cloned().collect();
    assert_eq!(restored, history);
}

#[test]
fn data_lost_in_a_restart_is_unknown_until_the_range_lies_after_it() {
    let cases = [
        (TreatMissingData::Missing, InsufficientData),
        (TreatMissingData::NotBreaching, Fine),
        (TreatMissingData::Breaching, Firing),
        (TreatMissingData::Ignore, Firing),
    ];
    for (treatment, expected) in cases {
        let mut world = World::new(&treating(treatment));
        world.traffic(0..30, 9);
        world.tick(32);
        let mut world = world.restart(40);
        world.tick(91);
        assert_eq!(
            world.state(),
            Firing,
            "{treatment:?}: kept for five periods"
        );
        world.tick(92);
        assert_eq!(
            world.state(),
            expected,
            "{treatment:?}: after that by its setting"
        );
    }
}

#[test]
fn data_since_a_restart_counts_at_once() {
    let mut world = World::new(&definition());
    world.traffic(0..30, 9);
    world.tick(32);
    let mut world = world.restart(40);
    world.traffic(40..50, 0);
    world.tick(52);
    assert_eq!(world.state(), Fine);
}

#[test]
fn evidence_counts_calls_and_datapoints_since_the_change() {
    let mut world = World::new(&definition());
    world.traffic(0..60, 0);
    world.calls(65, 19, 0);
    let evidence = |world: &World, since| {
        let book = &world.book;
        book.evidence(&world.store, &platform(), at(since))
    };

    world.tick(51);
    assert_eq!(
        evidence(&world, 20).judged_datapoints[&name()],
        2,
        "a period that is not over does not count"
    );
    world.tick(72);
    let bake = evidence(&world, 20);
    assert_eq!(bake.scoring_calls, 419);
    assert_eq!(
        bake.judged_datapoints,
        BTreeMap::from([(name(), 4)]),
        "the period of 19 calls does not count"
    );
    assert_eq!(
        evidence(&world, 21).judged_datapoints[&name()],
        3,
        "nor one that began before the change"
    );
}

#[test]
fn evidence_tells_datapoints_that_breach_too_far_apart_to_fire() {
    let mut world = World::new(&treating(TreatMissingData::NotBreaching));
    for second in [5, 65, 125] {
        world.calls(second, 40, 40);
    }
    world.tick(152);
    assert_eq!(world.state(), Fine);
    let bake = world.book.evidence(&world.store, &platform(), at(0));
    assert_eq!(bake.judged_datapoints[&name()], 3);
    assert_eq!(bake.breaching_datapoints[&name()], 3);
}

#[test]
fn alarms_of_other_platforms_are_left_alone() {
    let mut world = World::new(&definition());
    let other = PlatformName::try_from("other").unwrap();
    world
        .book
        .put(
            &AlarmDefinition {
                platform: other.clone(),
                ..definition()
            },
            at(0),
        )
        .unwrap();
    assert!(world.book.delete(&other, &name()));
    assert!(
        !world.book.delete(&other, &name()),
        "deleting twice is no error"
    );
    assert!(world.book.observe(&BTreeSet::from([other])).is_empty());
    assert_eq!(world.state(), InsufficientData);
}

#[test]
fn a_book_is_full_at_its_limit_and_still_takes_changes() {
    let mut book = AlarmBook::new(ALLOWANCE_MS);
    let numbered = |number: usize| AlarmDefinition {
        name: AlarmName(number.to_string()),
        ..definition()
    };
    for number in 0..MAX_ALARMS {
        book.put(&numbered(number), at(0)).unwrap();
    }
    assert!(book.put(&numbered(MAX_ALARMS), at(0)).is_err());
    assert!(book.put(&numbered(0), at(0)).is_ok());
}

#[test]
fn only_so_many_transitions_are_remembered() {
    let mut world = World::new(&AlarmDefinition {
        evaluation_periods: 1,
        datapoints_to_alarm: 1,
        ..definition()
    });
    let periods = i64::try_from(MAX_TRANSITIONS).unwrap() + 20;
    for period in 0..periods {
        let failures = if period % 2 == 0 { 0 } else { 20 };
        world.calls(period * 10, 20, failures);
        world.tick(period * 10 + 12);
    }
    let history: Vec<_> = world.book.history(&platform(), &name()).collect();
    assert_eq!(history.len(), MAX_TRANSITIONS);
    assert_eq!(
        history.last().unwrap().at,
        at((periods - 1) * 10 + 12),
        "the newest are kept"
    );
}

#[test]
fn a_clock_that_is_set_back_does_not_blind_an_alarm() {
    let mut world = World::new(&definition());
    world.traffic(7_170..7_200, 0);
    world.tick(7_202);
    assert_eq!(world.state(), Fine);
    world.traffic(0..40, 9);
    for second in 0..=45 {
        world.tick(second);
    }
    assert_eq!(world.state(), Firing);
}

/// What happens in one period of ten seconds: calls, and how many of them failed.
fn any_period() -> impl Strategy<Value = (u32, u32)> {
    prop_oneof![
        Just((0, 0)),
        (1_u32..19, 0_u32..19),
        (20_u32..60, Just(0)),
        (20_u32..60, 5_u32..20),
    ]
}

fn any_treatment() -> impl Strategy<Value = TreatMissingData> {
    prop::sample::select(vec![
        TreatMissingData::Missing,
        TreatMissingData::NotBreaching,
        TreatMissingData::Breaching,
        TreatMissingData::Ignore,
    ])
}

/// Everything that an alarm of this definition goes through, looked at every `stride` seconds.
fn life(definition: &AlarmDefinition, periods: &[(u32, u32)], stride: usize) -> Vec<Transition> {
    let mut world = World::new(definition);
    let mut transitions = Vec::new();
    let end = i64::try_from(periods.len()).unwrap() * 10 + 12;
    let mut waiting = periods.iter().zip((0_i64..).step_by(10)).peekable();
    for second in (0..=end).step_by(stride).chain([end]) {
        while let Some(((calls, failures), start)) = waiting.next_if(|(_, it)| *it <= second) {
            world.calls(start, *calls, *failures);
        }
        transitions.extend(world.tick(second));
    }
    transitions
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_becomes_of_an_alarm_does_not_depend_on_how_often_it_is_looked_at(
        periods in prop::collection::vec(any_period(), 1..20),
        treatment in any_treatment(),
        (m, n) in (1_u32..5).prop_flat_map(|n| (1..=n, Just(n))),
        stride in 2_usize..60,
    ) {
        let definition = AlarmDefinition {
            evaluation_periods: n,
            datapoints_to_alarm: m,
            ..treating(treatment)
        };
        prop_assert_eq!(life(&definition, &periods, 1), life(&definition, &periods, stride));
    }

    #[test]
    fn suppressed_periods_are_as_good_as_empty_ones(
        periods in prop::collection::vec(any_period(), 1..20),
        treatment in any_treatment(),
    ) {
        let definition = treating(treatment);
        let emptied: Vec<(u32, u32)> = periods
            .iter()
            .map(|(calls, failures)| if *calls < 20 { (0, 0) } else { (*calls, *failures) })
            .collect();
        prop_assert_eq!(life(&definition, &periods, 5), life(&definition, &emptied, 5));
    }

    #[test]
    fn transitions_follow_one_another_in_time_and_state(
        periods in prop::collection::vec(any_period(), 1..20),
        treatment in any_treatment(),
    ) {
        let transitions = life(&treating(treatment), &periods, 7);
        for pair in transitions.windows(2) {
            prop_assert_eq!(pair[0].to, pair[1].from);
            prop_assert!(pair[0].at < pair[1].at);
        }
        prop_assert!(transitions.iter().all(|it| it.from != it.to));
    }
}
