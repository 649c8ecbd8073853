//! Selecting objects by their labels.

use std::collections::BTreeMap;
use std::str::FromStr;

/// What the labels of an object must be. Of several requirements all must be met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LabelSelector(Vec<Requirement>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    key: String,
    must: Must,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Must {
    BeOneOf(Vec<String>),
    /// An object without the label is none of them.
    BeNoneOf(Vec<String>),
    BeThere,
    NotBeThere,
}

/// A selector that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "unable to parse the label selector at \"{0}\": there are KEY, !KEY, KEY=VALUE, KEY==VALUE, KEY!=VALUE, \
     KEY in (VALUE, …) and KEY notin (VALUE, …), with commas between"
)]
pub(super) struct BadLabelSelector(String);

impl LabelSelector {
    /// Whether an object with `labels` is selected.
    pub(super) fn selects(&self, labels: Option<&BTreeMap<String, String>>) -> bool {
        self.0.iter().all(|requirement| {
            let value = labels.and_then(|labels| labels.get(&requirement.key));
            requirement.must.is_met_by(value)
        })
    }
}

impl Must {
    fn is_met_by(&self, value: Option<&String>) -> bool {
        match self {
            Self::BeOneOf(values) => value.is_some_and(|value| values.contains(value)),
            Self::BeNoneOf(values) => !value.is_some_and(|value| values.contains(value)),
            Self::BeThere => value.is_some(),
            Self::NotBeThere => value.is_none(),
        }
    }
}

impl FromStr for LabelSelector {
    type Err = BadLabelSelector;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let requirements = outside_brackets(text).into_iter().map(|part| {
            let part = part.trim();
            requirement(part).ok_or_else(|| BadLabelSelector(part.to_owned()))
        });
        requirements.collect::<Result<_, _>>().map(Self)
    }
}

/// The parts between commas that are in no brackets.
fn outside_brackets(text: &str) -> Vec<&str> {
    let mut is_inside = false;
    text.split(|sign| {
        match sign {
            '(' => is_inside = true,
            ')' => is_inside = false,
            _ => {}
        }
        sign == ',' && !is_inside
    })
    .collect()
}

fn requirement(part: &str) -> Option<Requirement> {
    let (key, must) = if let Some(key) = part.strip_prefix('!') {
        (key, Must::NotBeThere)
    } else if let Some((key, value)) = part.split_once("!=") {
        (key, Must::BeNoneOf(vec![word(value)?]))
    } else if let Some((key, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
        (key, Must::BeOneOf(vec![word(value)?]))
    } else if let Some(in_set) = part.strip_suffix(')') {
        let (asked, values) = in_set.split_once('(')?;
        let (key, operator) = asked.trim_end().rsplit_once(char::is_whitespace)?;
        let values = values.split(',').map(word).collect::<Option<_>>()?;
        match operator {
            "in" => (key, Must::BeOneOf(values)),
            "notin" => (key, Must::BeNoneOf(values)),
            _ => return None,
        }
    } else {
        (part, Must::BeThere)
    };
    let key = word(key).filter(|key| !key.is_empty())?;
    Some(Requirement { key, must })
}

/// A key or a value. Values may be empty.
fn word(text: &str) -> Option<String> {
    let text = text.trim();
    let is_of_a_word =
        |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '-' | '_' | '.' | '/');
    text.chars().all(is_of_a_word).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selects(selector: &str) -> bool {
        let labels = [
            ("team", "credit"),
            ("tier", "prod"),
            ("lending.dev/note", ""),
        ];
        let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let selector: LabelSelector = selector.parse().unwrap();
        selector.selects(Some(&labels.into()))
    }

    #[test]
    fn every_form_of_a_requirement_selects_as_on_a_cluster() {
        for selector in [
            "",
            "team",
            "!owner",
            "team=credit",
            "team==credit",
            "team = credit",
            "team!=risk",
            "owner!=anna",
            "team in (risk, credit)",
            "team in (credit),tier notin (test,dev)",
            "owner notin (anna)",
            "lending.dev/note=",
            "team=credit,tier=prod,!owner",
        ] {
            assert!(selects(selector), "{selector}");
        }
        for selector in [
            "owner",
            "!team",
            "team=risk",
            "team!=credit",
            "team in (risk)",
            "owner in (anna)",
            "tier notin (prod)",
            "team=credit,tier=test",
        ] {
            assert!(!selects(selector), "{selector}");
        }
    }

    #[test]
    fn what_cannot_be_understood_is_refused() {
        for selector in [
            ",",
            "team=,,",
            "=credit",
            "!",
            "team of (a)",
            "team in (a",
            "a b",
            "team=a=b",
            "t in a)",
        ] {
            assert!(selector.parse::<LabelSelector>().is_err(), "{selector}");
        }
    }

    #[test]
    fn an_object_without_labels_has_none() {
        let selects = |text: &str| text.parse::<LabelSelector>().unwrap().selects(None);
        assert!(selects("!team"));
        assert!(selects("team!=credit"));
        assert!(!selects("team"));
    }
}
