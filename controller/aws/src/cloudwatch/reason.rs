//! Reasons: the datapoints on which an alarm came into its state, as `StateReasonData` tells them.
//!
//! Source: Amazon CloudWatch User Guide, "Alarm events and EventBridge", whose examples are the tests here. A
//! datapoint that is missing has a timestamp and no value. A state set by hand has no such data, or any.

use engine::ports::{AlarmDefinition, Firing};
use jiff::{SignedDuration, Timestamp};
use schema::platform::TreatMissingData;
use serde::Deserialize;
use serde_json::Value;

/// Form of the times in it: `2019-10-02T17:04:40.985+0000`.
const TIME_FORM: &str = "%Y-%m-%dT%H:%M:%S%.f%z";
/// A state follows its query within milliseconds. Data that are further off belong to something else.
const QUERY_TO_STATE: SignedDuration = SignedDuration::from_secs(60);

/// Why an alarm is in its state.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Reason {
    asked_at: Option<Timestamp>,
    threshold: Option<f64>,
    /// Oldest first.
    points: Vec<Point>,
}

/// One datapoint judged.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Point {
    start: Option<Timestamp>,
    value: Option<f64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Data {
    query_date: Option<String>,
    start_date: Option<String>,
    period: Option<i64>,
    recent_datapoints: Vec<Option<f64>>,
    threshold: Option<f64>,
    evaluated_datapoints: Vec<Evaluated>,
}

#[derive(Debug, Deserialize)]
struct Evaluated {
    timestamp: Option<String>,
    value: Option<f64>,
}

impl Reason {
    /// The reason in this JSON text; an empty one where it says nothing.
    pub(super) fn of_text(text: &str) -> Self {
        let data: Data = serde_json::from_str(text).unwrap_or_default();
        Self::of(&data)
    }

    /// The reason in this JSON; in some places it is a text within the JSON.
    pub(super) fn of_json(json: &Value) -> Self {
        match json {
            Value::String(text) => Self::of_text(text),
            json => Self::of(&Data::deserialize(json).unwrap_or_default()),
        }
    }

    fn of(data: &Data) -> Self {
        let evaluated = data.evaluated_datapoints.iter().map(|point| Point {
            start: point.timestamp.as_deref().and_then(time),
            value: point.value,
        });
        let mut points: Vec<_> = evaluated.collect();
        if points.iter().all(|point| point.value.is_none()) && !data.recent_datapoints.is_empty() {
            points = data.recent();
        }
        points.sort_by_key(|point| point.start);
        Self {
            asked_at: data.query_date.as_deref().and_then(time),
            threshold: data.threshold,
            points,
        }
    }

    /// The newest value among its datapoints.
    pub(super) fn value(&self) -> Option<f64> {
        self.points.iter().rev().find_map(|point| point.value)
    }

    /// The move into `ALARM` that it explains, which was noted at `noted_at`.
    ///
    /// Its time is that of the query where that is known: the alarm and its history tell the same one, while
    /// the times at which either was noted need not be equal.
    pub(super) fn firing(&self, definition: &AlarmDefinition, noted_at: Timestamp) -> Firing {
        let is_its = |at: &Timestamp| noted_at.duration_since(*at).abs() <= QUERY_TO_STATE;
        let breaching: Vec<_> = self.breaching(definition).collect();
        Firing {
            at: self.asked_at.filter(is_its).unwrap_or(noted_at),
            value: breaching.iter().rev().find_map(|point| point.value),
            first_breach_at: breaching.first().and_then(|point| point.start),
            last_breach_at: breaching.last().and_then(|point| point.start),
        }
    }

    fn breaching<'a>(
        &'a self,
        definition: &'a AlarmDefinition,
    ) -> impl Iterator<Item = &'a Point> + 'a {
        let threshold = self.threshold.unwrap_or(definition.threshold);
        let missing_breaches = definition.treat_missing_data == TreatMissingData::Breaching;
        self.points.iter().filter(move |point| {
            point.value.map_or(missing_breaches, |value| {
                definition.comparison.breaches(value, threshold)
            })
        })
    }
}

impl Data {
    /// The values alone, with the times that they must have.
    fn recent(&self) -> Vec<Point> {
        let start = self.start_date.as_deref().and_then(time);
        let period_s = self.period.unwrap_or(0);
        let point = |(index, value): (i64, &Option<f64>)| {
            let after = SignedDuration::from_secs(period_s.saturating_mul(index));
            Point {
                start: start.and_then(|start| start.checked_add(after).ok()),
                value: *value,
            }
        };
        (0..).zip(&self.recent_datapoints).map(point).collect()
    }
}

fn time(text: &str) -> Option<Timestamp> {
    let written = Timestamp::strptime(TIME_FORM, text);
    written.or_else(|_| text.parse()).ok()
}

#[cfg(test)]
mod tests {
    use engine::ports::AlarmSource;
    use schema::signals::Signal;

    use super::super::samples;
    use super::*;

    const SOURCE: AlarmSource = AlarmSource::Signal {
        signal: Signal::ScoringFailureRatio,
        service: None,
    };

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_firing_is_told_by_its_datapoints() {
        let reason = Reason::of_text(
            r#"{"version":"1.0","queryDate":"2025-05-15T15:31:44.984+0000",
                "startDate":"2025-05-15T15:29:00.000+0000","statistic":"Sum","period":60,
                "recentDatapoints":[4.0,41.5,9.0],"threshold":5.0,
                "evaluatedDatapoints":[
                  {"timestamp":"2025-05-15T15:31:00.000+0000","sampleCount":1.0,"value":9.0},
                  {"timestamp":"2025-05-15T15:30:00.000+0000","sampleCount":1.0,"value":41.5},
                  {"timestamp":"2025-05-15T15:29:00.000+0000","sampleCount":1.0,"value":4.0}]}"#,
        );
        let firing = reason.firing(&samples::definition(SOURCE), at("2025-05-15T15:31:44.985Z"));
        assert_eq!(
            firing,
            Firing {
                at: at("2025-05-15T15:31:44.984Z"),
                value: Some(9.0),
                first_breach_at: Some(at("2025-05-15T15:30:00Z")),
                last_breach_at: Some(at("2025-05-15T15:31:00Z")),
            }
        );
        assert_eq!(reason.value(), Some(9.0));
    }

    #[test]
    fn values_alone_have_the_times_of_their_periods() {
        let reason = Reason::of_text(
            r#"{"version":"1.0","queryDate":"2013-12-11T23:43:36.926+0000",
                "startDate":"2013-12-11T23:11:00.000+0000","statistic":"Average","period":300,
                "recentDatapoints":[7.0,2.0,8.0],"threshold":5.0}"#,
        );
        let firing = reason.firing(&samples::definition(SOURCE), at("2013-12-11T23:43:37Z"));
        assert_eq!(firing.first_breach_at, Some(at("2013-12-11T23:11:00Z")));
        assert_eq!(firing.last_breach_at, Some(at("2013-12-11T23:21:00Z")));
        assert_eq!(firing.value, Some(8.0));
    }

    #[test]
    fn missing_datapoints_breach_where_they_are_to() {
        let reason = Reason::of_text(
            r#"{"version":"1.0","queryDate":"2026-09-05T22:04:50.762+0000","statistic":"Average",
                "period":7200,"recentDatapoints":[],"threshold":90.0,
                "evaluatedDatapoints":[{"timestamp":"2026-09-05T20:04:00.000+0000"}]}"#,
        );
        let mut definition = samples::definition(SOURCE);
        let noted_at = at("2026-09-05T22:04:50.770Z");
        assert_eq!(reason.firing(&definition, noted_at).first_breach_at, None);
        definition.treat_missing_data = TreatMissingData::Breaching;
        let firing = reason.firing(&definition, noted_at);
        assert_eq!(firing.value, None);
        assert_eq!(firing.first_breach_at, Some(at("2026-09-05T20:04:00Z")));
    }

    #[test]
    fn a_state_set_by_hand_has_its_own_time_and_no_value() {
        let noted_at = at("2026-09-05T22:04:50Z");
        for text in ["", "no JSON", "{}", r#"{"why":"a drill"}"#, "[1]"] {
            let firing = Reason::of_text(text).firing(&samples::definition(SOURCE), noted_at);
            assert_eq!((firing.at, firing.value), (noted_at, None), "{text}");
        }
    }

    #[test]
    fn data_of_another_time_do_not_date_a_firing() {
        let reason = Reason::of_text(r#"{"queryDate":"2026-09-05T20:00:00.000+0000"}"#);
        let noted_at = at("2026-09-05T22:04:50Z");
        assert_eq!(
            reason.firing(&samples::definition(SOURCE), noted_at).at,
            noted_at
        );
    }
}
