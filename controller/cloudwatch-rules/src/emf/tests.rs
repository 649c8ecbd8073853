use proptest::prelude::*;
use serde_json::json;

use super::*;

/// 2026-11-23T02:20:00Z.
const NOW_MS: i64 = 1_795_400_400_000;

fn now() -> Timestamp {
    Timestamp::from_millisecond(NOW_MS).unwrap()
}

/// A line of one metric `m` in namespace `N` with dimension `D`, changed by `change`.
fn line_with(change: impl FnOnce(&mut Value)) -> String {
    let mut line = json!({
        "_aws": {
            "Timestamp": NOW_MS,
            "CloudWatchMetrics": [{
                "Namespace": "N",
                "Dimensions": [["D"]],
                "Metrics": [{"Name": "m", "Unit": "Count", "StorageResolution": 1}],
            }],
        },
        "D": "d",
        "m": 7,
    });
    change(&mut line);
    line.to_string()
}

fn refusal(change: impl FnOnce(&mut Value)) -> String {
    parse(&line_with(change), now()).unwrap_err().to_string()
}

#[test]
fn a_number_is_one_value() {
    let record = parse(&line_with(|_| ()), now()).unwrap();
    assert_eq!(record.at, now());
    let [observation] = record.observations.as_slice() else {
        panic!("one metric, one dimension set: {record:?}");
    };
    assert_eq!(
        (observation.namespace.as_str(), observation.metric.as_str()),
        ("N", "m")
    );
    assert_eq!(
        observation.dimensions,
        BTreeMap::from([("D".to_owned(), "d".to_owned())])
    );
    assert_eq!(observation.values, [(7.0, 1)]);
}

#[test]
fn arrays_and_distributions_are_many_values() {
    let cases = [
        (json!([1, 2.5]), vec![(1.0, 1), (2.5, 1)]),
        (json!([]), vec![]),
        (
            json!({"Values": [1, 2], "Counts": [3, 4]}),
            vec![(1.0, 3), (2.0, 4)],
        ),
        (json!({"Values": [1, 2]}), vec![(1.0, 1), (2.0, 1)]),
        (json!({"Values": [1], "Counts": [2.0]}), vec![(1.0, 2)]),
    ];
    for (target, expected) in cases {
        let line = line_with(|line| line["m"] = target.clone());
        let record = parse(&line, now()).unwrap();
        assert_eq!(record.observations[0].values, expected, "{target}");
    }
}

#[test]
fn every_dimension_set_makes_a_series_of_its_own() {
    let line = line_with(|line| {
        line["_aws"]["CloudWatchMetrics"][0]["Dimensions"] = json!([[], ["D"], ["D", "E"]]);
        line["E"] = json!("e");
    });
    let record = parse(&line, now()).unwrap();
    let sizes: Vec<usize> = record
        .observations
        .iter()
        .map(|it| it.dimensions.len())
        .collect();
    assert_eq!(sizes, [0, 1, 2]);
}

#[test]
fn members_that_the_specification_does_not_name_are_ignored() {
    let line = line_with(|line| {
        line["requestId"] = json!({"nested": [1, null]});
        line["_aws"]["Extra"] = json!(true);
    });
    assert!(parse(&line, now()).is_ok());
}

#[test]
fn what_is_no_emf_is_told_apart_from_what_is_broken() {
    let refused = |line: &str| parse(line, now()).unwrap_err();
    assert!(matches!(refused(r#"{"level":"INFO"}"#), EmfError::NotEmf));
    for line in ["", "[]", "null", "{", "{} {}"] {
        assert!(matches!(refused(line), EmfError::NotJson(_)), "{line}");
    }
    for metadata in [
        json!({}),
        json!([]),
        json!({"Timestamp": "now", "CloudWatchMetrics": []}),
    ] {
        let line = json!({ "_aws": metadata }).to_string();
        assert!(matches!(refused(&line), EmfError::Metadata(_)), "{line}");
    }
}

#[test]
fn the_limits_of_the_specification_hold() {
    let directive = "/_aws/CloudWatchMetrics/0";
    let set = |path: &'static str, value: Value| {
        move |line: &mut Value| *line.pointer_mut(&format!("{directive}{path}")).unwrap() = value
    };
    let names = |count: usize| (0..count).map(|n| format!("d{n}")).collect::<Vec<_>>();
    let metrics = |count: usize| vec![json!({"Name": "m"}); count];

    assert!(parse(&line_with(set("/Metrics", json!(metrics(100)))), now()).is_ok());
    assert_eq!(
        refusal(set("/Metrics", json!(metrics(101)))),
        "101 metrics in a directive, but 100 are allowed"
    );
    assert_eq!(
        refusal(set("/Dimensions", json!([names(31)]))),
        "31 dimensions in a set, but 30 are allowed"
    );
    assert_eq!(
        refusal(|line| line["m"] = json!(vec![1; 101])),
        "101 values of a metric, but 100 are allowed"
    );
    assert_eq!(
        refusal(|line| {
            set("/Metrics", json!(metrics(100)))(line);
            set("/Dimensions", json!(vec![["D"]; 101]))(line);
        }),
        "10100 metrics in a line, but 10000 are allowed"
    );
    assert_eq!(
        refusal(set("/Metrics/0/StorageResolution", json!(10))),
        "storage resolution of `m` is 10; it may be 1 or 60"
    );
    assert!(refusal(set("/Namespace", json!(""))).contains("namespace `` is empty"));
    assert!(refusal(set("/Metrics/0/Name", json!("x".repeat(256)))).contains("longer than 255"));
    assert!(refusal(|line| line["D"] = json!("x".repeat(1_025))).contains("longer than 1024"));
    assert!(refusal(|line| line["pad"] = json!("x".repeat(MAX_LINE_BYTES))).contains("bytes"));
}

#[test]
fn a_named_member_must_be_there_and_be_of_its_kind() {
    assert!(refusal(|line| line["D"] = json!(1)).contains("`D` is named as a dimension"));
    for target in [
        json!("7"),
        json!(null),
        json!([1, "2"]),
        json!({"Values": [1, 2], "Counts": [1]}),
        json!({"Values": [1], "Counts": [-1]}),
        json!({"Values": [1], "Counts": [1e15]}),
    ] {
        let message = refusal(|line| line["m"] = target.clone());
        assert!(
            message.contains("`m` is named as a metric"),
            "{target}: {message}"
        );
    }
}

#[test]
fn timestamps_may_be_two_hours_ahead_and_two_weeks_behind() {
    let judge = |offset_ms: i64| {
        let line = line_with(|line| line["_aws"]["Timestamp"] = json!(NOW_MS + offset_ms));
        parse(&line, now()).is_ok()
    };
    assert!(judge(MAX_AHEAD_MS));
    assert!(!judge(MAX_AHEAD_MS + 1));
    assert!(judge(-MAX_BEHIND_MS));
    assert!(!judge(-MAX_BEHIND_MS - 1));
    assert!(!judge(i64::MAX - NOW_MS), "a time that no clock shows");
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in any::<String>()) {
        let _refused = parse(&text, now());
    }

    #[test]
    fn no_broken_line_makes_it_panic(cut in 0_usize..220, at in 0_usize..220, byte in any::<u8>()) {
        let mut bytes = line_with(|_| ()).into_bytes();
        let place = at % bytes.len();
        bytes[place] = byte;
        bytes.truncate(bytes.len() - cut % bytes.len());
        let _either = parse(&String::from_utf8_lossy(&bytes), now());
    }
}
