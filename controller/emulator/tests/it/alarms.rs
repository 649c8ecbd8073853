//! Alarms, in the protocol that the Rust SDK speaks.

use ciborium::{Value, cbor};

use crate::client::Client;

/// A member of a map.
fn member<'a>(value: &'a Value, name: &str) -> &'a Value {
    let map = value.as_map().unwrap();
    let found = map.iter().find(|(key, _)| key.as_text() == Some(name));
    &found.unwrap_or_else(|| panic!("no {name} in {value:?}")).1
}

fn has(value: &Value, name: &str) -> bool {
    let map = value.as_map().unwrap();
    map.iter().any(|(key, _)| key.as_text() == Some(name))
}

fn metric_math(name: &str) -> Value {
    cbor!({
        "AlarmName" => name,
        "ComparisonOperator" => "GreaterThanThreshold",
        "EvaluationPeriods" => 3,
        "DatapointsToAlarm" => 2,
        "Threshold" => 5.0,
        "TreatMissingData" => "notBreaching",
        "Metrics" => [
            { "Id" => "rate", "Expression" => "100 * errors / calls", "ReturnData" => true },
            {
                "Id" => "errors",
                "ReturnData" => false,
                "MetricStat" => {
                    "Metric" => {
                        "Namespace" => "Loans",
                        "MetricName" => "Errors",
                        "Dimensions" => [{ "Name" => "Service", "Value" => "scoring" }],
                    },
                    "Period" => 60,
                    "Stat" => "Sum",
                },
            },
        ],
    })
    .unwrap()
}

async fn alarm(client: &Client, name: &str) -> Value {
    let asked = cbor!({ "AlarmNames" => [name] }).unwrap();
    let answer = client.cloudwatch("DescribeAlarms", &asked).await.cbor();
    let alarms = member(&answer, "MetricAlarms").as_array().unwrap();
    assert_eq!(alarms.len(), 1, "{answer:?}");
    alarms[0].clone()
}

fn time(alarm: &Value, name: &str) -> f64 {
    match member(alarm, name) {
        Value::Tag(1, time) => time.as_float().unwrap(),
        other => panic!("{name} is not a time: {other:?}"),
    }
}

#[tokio::test]
async fn an_alarm_on_metric_math_is_read_back_as_it_was_put() {
    let client = Client::start().await;
    let put = metric_math("errors");
    let answer = client.cloudwatch("PutMetricAlarm", &put).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.cbor();

    let alarm = alarm(&client, "errors").await;
    for name in [
        "AlarmName",
        "ComparisonOperator",
        "EvaluationPeriods",
        "DatapointsToAlarm",
        "Threshold",
        "TreatMissingData",
    ] {
        assert_eq!(member(&alarm, name), member(&put, name), "{name}");
    }
    let metrics = member(&alarm, "Metrics").as_array().unwrap();
    assert_eq!(
        member(&metrics[0], "Expression").as_text(),
        Some("100 * errors / calls")
    );
    let stat = member(&metrics[1], "MetricStat");
    assert_eq!(
        member(stat, "Period").as_integer(),
        Some(ciborium::value::Integer::from(60))
    );
    let metric = member(stat, "Metric");
    let put = member(
        &member(&put, "Metrics").as_array().unwrap()[1],
        "MetricStat",
    );
    assert_eq!(
        member(metric, "Dimensions"),
        member(member(put, "Metric"), "Dimensions")
    );
    assert!(time(&alarm, "AlarmConfigurationUpdatedTimestamp") > 1.7e9);
}

#[tokio::test]
async fn a_new_alarm_has_no_data_and_one_that_is_put_again_keeps_its_state() {
    let client = Client::start().await;
    client.cloudwatch("PutMetricAlarm", &metric_math("a")).await;
    let new = alarm(&client, "a").await;
    assert_eq!(
        member(&new, "StateValue").as_text(),
        Some("INSUFFICIENT_DATA")
    );

    let emulators = &client.emulators;
    let set = emulators.set_alarm_state("a", "ALARM", "too many", r#"{"version":"1.0"}"#);
    set.await.unwrap();
    let fired = alarm(&client, "a").await;
    client.cloudwatch("PutMetricAlarm", &metric_math("a")).await;
    let again = alarm(&client, "a").await;
    for name in [
        "StateValue",
        "StateReason",
        "StateReasonData",
        "StateUpdatedTimestamp",
    ] {
        assert_eq!(member(&again, name), member(&fired, name), "{name}");
    }
    assert_eq!(member(&again, "StateValue").as_text(), Some("ALARM"));

    let set = emulators.set_alarm_state("a", "OK", "over", "{}");
    set.await.unwrap();
    let over = alarm(&client, "a").await;
    assert_eq!(member(&over, "StateValue").as_text(), Some("OK"));
    assert!(time(&over, "StateUpdatedTimestamp") > time(&fired, "StateUpdatedTimestamp"));
}

#[tokio::test]
async fn alarms_are_described_in_pages_of_the_size_that_is_asked_for() {
    let client = Client::start().await;
    for name in ["b-3", "b-1", "b-2", "other"] {
        client
            .cloudwatch("PutMetricAlarm", &metric_math(name))
            .await;
    }
    let asked = cbor!({ "AlarmNamePrefix" => "b-", "MaxRecords" => 2 }).unwrap();
    let first = client.cloudwatch("DescribeAlarms", &asked).await.cbor();
    let token = member(&first, "NextToken").as_text().unwrap().to_owned();
    let asked = cbor!({ "AlarmNamePrefix" => "b-", "MaxRecords" => 2, "NextToken" => token });
    let second = client
        .cloudwatch("DescribeAlarms", &asked.unwrap())
        .await
        .cbor();

    let names = [first, second.clone()].map(|page| {
        let alarms = member(&page, "MetricAlarms").as_array().unwrap().clone();
        let names = alarms
            .iter()
            .map(|it| member(it, "AlarmName").as_text().unwrap().to_owned());
        names.collect::<Vec<_>>()
    });
    assert_eq!(names[0], ["b-1", "b-2"]);
    assert_eq!(names[1], ["b-3"]);
    assert!(!has(&second, "NextToken"), "{second:?}");
}

#[tokio::test]
async fn errors_of_cloudwatch_come_in_its_protocol() {
    let client = Client::start().await;
    let many: Vec<String> = (0..101).map(|n| n.to_string()).collect();
    let cases = [
        (
            "DescribeAlarms",
            cbor!({ "MaxRecords" => 101 }),
            "ValidationError",
        ),
        (
            "DescribeAlarms",
            cbor!({ "AlarmNames" => many }),
            "ValidationError",
        ),
        (
            "DescribeAlarms",
            cbor!({ "NextToken" => "x" }),
            "InvalidNextToken",
        ),
        (
            "SetAlarmState",
            cbor!({ "AlarmName" => "none", "StateValue" => "OK", "StateReason" => "-" }),
            "ResourceNotFound",
        ),
    ];
    for (operation, asked, code) in cases {
        let answer = client.cloudwatch(operation, &asked.unwrap()).await;
        assert!(answer.status.is_client_error(), "{code}: {}", answer.status);
        assert_eq!(
            answer.headers["x-amzn-query-error"],
            format!("{code};Sender")
        );
        let error = answer.cbor();
        let expected = format!("com.amazonaws.cloudwatch#{code}");
        assert_eq!(member(&error, "__type").as_text(), Some(&*expected));
        assert!(member(&error, "message").as_text().is_some());
    }
}

#[tokio::test]
async fn datapoints_come_back_as_doubles_at_times() {
    let client = Client::start().await;
    let at = || Value::Tag(1, Box::new(Value::Integer(1_795_000_000.into())));
    let start = || Value::Tag(1, Box::new(Value::Float(1_794_999_000.0)));
    let end = || Value::Tag(1, Box::new(Value::Integer(1_795_001_000.into())));
    let datum = cbor!({
        "Namespace" => "Loans",
        "MetricData" => [{ "MetricName" => "Calls", "Value" => 3.0, "Timestamp" => at() }],
    });
    let put = client.cloudwatch("PutMetricData", &datum.unwrap()).await;
    assert_eq!(put.status, 200);
    let asked = cbor!({
        "StartTime" => start(),
        "EndTime" => end(),
        "MetricDataQueries" => [{
            "Id" => "calls",
            "MetricStat" => {
                "Metric" => { "Namespace" => "Loans", "MetricName" => "Calls" },
                "Period" => 60,
                "Stat" => "Sum",
            },
        }],
    });
    let answer = client
        .cloudwatch("GetMetricData", &asked.unwrap())
        .await
        .cbor();
    let results = member(&answer, "MetricDataResults").as_array().unwrap();
    assert_eq!(
        member(&results[0], "Values"),
        &Value::Array(vec![Value::Float(3.0)])
    );
    let times = member(&results[0], "Timestamps").as_array().unwrap();
    assert!(matches!(times[0], Value::Tag(1, _)), "{times:?}");
}
