//! `DescribeAlarms`: pages, limits and filters, which moto has not.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html>

use serde_json::{Value, json};

use super::answer::Refusal;

/// Alarms on a page, when the client does not say.
const DEFAULT_PAGE: i64 = 50;
/// Alarms on the largest page, and names in the longest list.
const MAX: usize = 100;
/// The members that an answer has, and the type that each is asked for as.
const LISTS: [(&str, &str); 2] = [
    ("CompositeAlarms", "CompositeAlarm"),
    ("MetricAlarms", "MetricAlarm"),
];

/// What alarms are asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Query<'a> {
    asked: &'a Value,
    size: usize,
    after: Option<Place>,
}

/// Where a page ended: the list and the name of its last alarm. Names stay in order while others
/// come and go.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    list: usize,
    name: String,
}

impl<'a> Query<'a> {
    /// Reads what a client asks.
    pub(super) fn read(asked: &'a Value) -> Result<Self, Refusal> {
        let size = asked["MaxRecords"].as_i64().unwrap_or(DEFAULT_PAGE);
        let size = usize::try_from(size).unwrap_or_default();
        if !(1..=MAX).contains(&size) {
            return Err(invalid(format!(
                "1 validation error detected: Value '{}' at 'maxRecords' failed to satisfy \
                 constraint: Member must have value between 1 and 100",
                asked["MaxRecords"]
            )));
        }
        let names = asked["AlarmNames"].as_array();
        if names.is_some_and(|names| names.len() > MAX) {
            return Err(invalid(
                "1 validation error detected: Value at 'alarmNames' failed to satisfy constraint: \
                 Member must have length less than or equal to 100",
            ));
        }
        let after = match asked["NextToken"].as_str() {
            Some(token) => Some(Place::read(token)?),
            None => None,
        };
        Ok(Self { asked, size, after })
    }

    /// What moto is asked: it takes one filter at a time, so all others are applied here.
    pub(super) fn at_moto(&self) -> Value {
        match &self.asked["ActionPrefix"] {
            Value::Null => json!({}),
            prefix => json!({ "ActionPrefix": prefix }),
        }
    }

    /// The page of `all` that is asked for.
    pub(super) fn page(&self, all: &Value) -> Value {
        let mut found: Vec<(Place, &Value)> = (0..LISTS.len())
            .filter(|list| self.takes_type(LISTS[*list].1))
            .flat_map(|list| places(all, list))
            .filter(|(place, alarm)| self.takes(place, alarm))
            .collect();
        found.sort_by(|(a, _), (b, _)| a.cmp(b));
        let more = found.len() > self.size;
        found.truncate(self.size);
        let mut page = json!({ "CompositeAlarms": [], "MetricAlarms": [] });
        for (place, alarm) in &found {
            if let Some(list) = page[LISTS[place.list].0].as_array_mut() {
                list.push((*alarm).clone());
            }
        }
        if let Some((last, _)) = found.last().filter(|_| more) {
            page["NextToken"] = last.token().into();
        }
        page
    }

    fn takes(&self, place: &Place, alarm: &Value) -> bool {
        let unread = self.after.as_ref().is_none_or(|after| place > after);
        let names = self.asked["AlarmNames"].as_array();
        let names = names.filter(|names| !names.is_empty());
        let named = names.is_none_or(|names| names.contains(&alarm["AlarmName"]));
        let prefix = self.asked["AlarmNamePrefix"].as_str().unwrap_or_default();
        let state = &self.asked["StateValue"];
        let stands = state.is_null() || *state == alarm["StateValue"];
        unread && named && stands && place.name.starts_with(prefix)
    }

    /// Only metric alarms are described to those who ask for no type.
    fn takes_type(&self, name: &str) -> bool {
        let types = self.asked["AlarmTypes"].as_array();
        types.map_or(name == "MetricAlarm", |types| {
            types.iter().any(|it| it == name)
        })
    }
}

impl Place {
    fn read(token: &str) -> Result<Self, Refusal> {
        let read = token.split_once(':').and_then(|(list, name)| {
            let list = list.parse().ok().filter(|list| *list < LISTS.len())?;
            let name = name.to_owned();
            Some(Self { list, name })
        });
        read.ok_or_else(|| Refusal::new(400, "InvalidNextToken", "The next token is not valid."))
    }

    fn token(&self) -> String {
        format!("{}:{}", self.list, self.name)
    }
}

fn places(all: &Value, list: usize) -> impl Iterator<Item = (Place, &Value)> {
    let alarms = all[LISTS[list].0].as_array().into_iter().flatten();
    alarms.map(move |alarm| {
        let name = alarm["AlarmName"].as_str().unwrap_or_default().to_owned();
        (Place { list, name }, alarm)
    })
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "ValidationError", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alarms(count: usize) -> Value {
        let alarm = |n| json!({ "AlarmName": format!("a-{n:03}"), "StateValue": "OK" });
        let all: Vec<Value> = (0..count).rev().map(alarm).collect();
        json!({ "MetricAlarms": all, "CompositeAlarms": [{ "AlarmName": "c" }] })
    }

    fn names(page: &Value) -> Vec<&str> {
        let alarms = page["MetricAlarms"].as_array().unwrap();
        let names = alarms.iter().map(|it| it["AlarmName"].as_str().unwrap());
        names.collect()
    }

    #[test]
    fn pages_hold_fifty_alarms_in_order_of_their_names() {
        let all = alarms(60);
        let first = Query::read(&json!({})).unwrap().page(&all);
        assert_eq!(names(&first).len(), 50);
        let token = json!({ "NextToken": first["NextToken"] });
        let second = Query::read(&token).unwrap().page(&all);
        assert_eq!(names(&second).first(), Some(&"a-050"));
        assert_eq!(names(&second).len(), 10);
        assert_eq!(second["NextToken"], Value::Null);
    }

    #[test]
    fn a_page_that_is_just_full_is_the_last() {
        let asked = json!({ "MaxRecords": 3 });
        let page = Query::read(&asked).unwrap().page(&alarms(3));
        assert_eq!(names(&page).len(), 3);
        assert_eq!(page["NextToken"], Value::Null);
    }

    #[test]
    fn composite_alarms_come_only_when_asked_for() {
        let all = alarms(1);
        let page = Query::read(&json!({})).unwrap().page(&all);
        assert_eq!(page["CompositeAlarms"], json!([]));
        let both = json!({ "AlarmTypes": ["CompositeAlarm", "MetricAlarm"], "MaxRecords": 1 });
        let page = Query::read(&both).unwrap().page(&all);
        assert_eq!(page["CompositeAlarms"][0]["AlarmName"], "c");
        assert_eq!(page["MetricAlarms"], json!([]));
        assert_ne!(page["NextToken"], Value::Null);
    }

    #[test]
    fn limits_are_aws_s() {
        let many: Vec<String> = (0..101).map(|n| n.to_string()).collect();
        let cases = [
            (json!({ "MaxRecords": 0 }), "ValidationError"),
            (json!({ "MaxRecords": 101 }), "ValidationError"),
            (json!({ "AlarmNames": many }), "ValidationError"),
            (json!({ "NextToken": "nonsense" }), "InvalidNextToken"),
        ];
        for (asked, code) in cases {
            assert_eq!(Query::read(&asked).unwrap_err().code, code, "{asked}");
        }
    }
}
