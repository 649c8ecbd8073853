use super::*;
use proptest::prelude::*;
use schema::status::AlarmState::{Alarm, InsufficientData, Ok as Fine};

const TREATMENTS: [TreatMissingData; 4] = [
    TreatMissingData::Missing,
    TreatMissingData::Ignore,
    TreatMissingData::Breaching,
    TreatMissingData::NotBreaching,
];

/// Stands for "retain current state" in the tables.
const KEEP: Option<AlarmState> = None;

/// Reads the guide's notation: `0` within, `X` breaching, `-` missing, newest on the right.
fn points(notation: &str) -> Vec<Category> {
    notation
        .split_whitespace()
        .map(|mark| match mark {
            "0" => Category::Within,
            "X" => Category::Breaching,
            _ => Category::Missing,
        })
        .collect()
}

fn rule(m: usize, n: usize, treat_missing_data: TreatMissingData) -> Rule {
    Rule {
        evaluation_periods: n,
        datapoints_to_alarm: m,
        treat_missing_data,
    }
}

/// Each row: datapoints, then the state under missing, ignore, breaching, notBreaching.
fn assert_table(m: usize, n: usize, table: &[(&str, [Option<AlarmState>; 4])]) {
    for (notation, expected) in table {
        for (treatment, state) in TREATMENTS.into_iter().zip(expected) {
            let verdict = rule(m, n, treatment).judge(&points(notation));
            assert_eq!(
                verdict.state, *state,
                "{m} of {n}, {notation}, {treatment:?}"
            );
        }
    }
}

#[test]
fn three_of_three_follows_the_guides_first_table() {
    assert_table(
        3,
        3,
        &[
            ("0 - X - X", [Some(Fine); 4]),
            ("0 - - - -", [Some(Fine); 4]),
            (
                "- - - - -",
                [Some(InsufficientData), KEEP, Some(Alarm), Some(Fine)],
            ),
            ("0 X X - X", [Some(Alarm); 4]),
            ("- - X - -", [Some(Alarm), KEEP, Some(Alarm), Some(Fine)]),
        ],
    );
}

#[test]
fn two_of_three_follows_the_guides_second_table() {
    assert_table(
        2,
        3,
        &[
            ("0 - X - X", [Some(Alarm); 4]),
            ("0 0 X 0 X", [Some(Alarm); 4]),
            (
                "0 - X - -",
                [Some(Fine), Some(Fine), Some(Alarm), Some(Fine)],
            ),
            (
                "- - - - 0",
                [Some(Fine), Some(Fine), Some(Alarm), Some(Fine)],
            ),
            ("- - - X -", [Some(Alarm), KEEP, Some(Alarm), Some(Fine)]),
        ],
    );
}

#[test]
fn rows_that_only_earlier_editions_of_the_guide_have_hold_too() {
    let young = [Some(InsufficientData), KEEP, Some(Alarm), Some(Fine)];
    assert_table(3, 3, &[("- - - - X", young)]);
    assert_table(2, 3, &[("- - - - X", young)]);
    assert_table(
        3,
        3,
        &[("X - - - -", [Some(Alarm), KEEP, Some(Alarm), Some(Fine)])],
    );
}

#[test]
fn a_lone_breach_does_not_fire_before_it_is_as_old_as_the_datapoints_needed() {
    let judge = |notation| {
        rule(3, 3, TreatMissingData::Missing)
            .judge(&points(notation))
            .state
    };
    assert_eq!(judge("- - - - X"), Some(InsufficientData));
    assert_eq!(judge("- - - X -"), Some(InsufficientData));
    assert_eq!(
        judge("- - X - -"),
        Some(Alarm),
        "old enough, and no good one since"
    );
    assert_eq!(judge("- - X - 0"), Some(Fine), "a good one followed");
    assert_eq!(judge("- - - X 0"), Some(Fine), "a good one followed");
}

#[test]
fn a_single_datapoint_alarm_goes_by_the_newest_one_there_is() {
    assert_table(
        1,
        1,
        &[
            ("0 0 X", [Some(Alarm); 4]),
            ("X 0 -", [Some(Fine); 4]),
            ("X - -", [Some(Alarm); 4]),
            (
                "- - -",
                [Some(InsufficientData), KEEP, Some(Alarm), Some(Fine)],
            ),
        ],
    );
}

#[test]
fn a_verdict_names_the_datapoints_that_it_rests_on() {
    let verdict = rule(3, 5, TreatMissingData::Missing).judge(&points("X X 0 X - X X"));
    assert_eq!(verdict.state, Some(Alarm));
    assert_eq!(verdict.breaching, [1, 3, 5, 6], "the newest five real ones");
    assert_eq!(verdict.judged, 5);
}

#[test]
fn missing_datapoints_are_filled_in_only_as_far_as_needed() {
    let verdict = rule(3, 3, TreatMissingData::Breaching).judge(&points("- - - - 0"));
    assert_eq!(verdict.breaching, [2, 3], "two lack, so two are filled in");
    assert_eq!(verdict.state, Some(Fine));
}

fn any_category() -> impl Strategy<Value = Category> {
    prop_oneof![
        Just(Category::Missing),
        Just(Category::Within),
        Just(Category::Breaching)
    ]
}

/// A rule, and an evaluation range for it.
fn any_case() -> impl Strategy<Value = (Rule, Vec<Category>)> {
    (1_usize..8, prop::sample::select(TREATMENTS.to_vec()))
        .prop_flat_map(|(n, treatment)| (1..=n, Just(n), Just(treatment)))
        .prop_flat_map(|(m, n, treatment)| {
            let rule = rule(m, n, treatment);
            (
                Just(rule),
                prop::collection::vec(any_category(), rule.range()),
            )
        })
}

fn count(range: &[Category], category: Category) -> usize {
    range.iter().filter(|it| **it == category).count()
}

proptest! {
    #[test]
    fn no_alarm_fires_on_fewer_breaches_than_needed_but_by_the_premature_rule(
        (rule, range) in any_case()
    ) {
        let verdict = rule.judge(&range);
        prop_assume!(verdict.state == Some(Alarm));
        let breaches = count(&range, Category::Breaching);
        let fills = rule.treat_missing_data == TreatMissingData::Breaching;
        let premature = rule.treat_missing_data == TreatMissingData::Missing
            && breaches > 0
            && count(&range, Category::Within) == 0;
        prop_assert!(breaches >= rule.datapoints_to_alarm || fills || premature);
    }

    #[test]
    fn missing_data_means_nothing_while_there_are_enough_real_datapoints(
        (rule, range) in any_case()
    ) {
        prop_assume!(range.len() - count(&range, Category::Missing) >= rule.evaluation_periods);
        let states = TREATMENTS.map(|treat_missing_data| {
            Rule { treat_missing_data, ..rule }.judge(&range).state
        });
        prop_assert!(states.iter().all(|state| *state == states[0] && state.is_some()));
    }

    #[test]
    fn only_ignore_keeps_a_state((rule, range) in any_case()) {
        let kept = rule.judge(&range).state.is_none();
        prop_assert!(!kept || rule.treat_missing_data == TreatMissingData::Ignore);
    }

    #[test]
    fn no_more_datapoints_are_judged_than_asked_for((rule, range) in any_case()) {
        let verdict = rule.judge(&range);
        prop_assert!(verdict.judged <= rule.evaluation_periods);
        prop_assert!(verdict.breaching.len() <= verdict.judged);
    }
}
