//! The path of a field in a spec, as people write it: `spec.alarms[0].period`.

use std::fmt;

/// One step down from a mapping or a list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Step {
    /// Into the value of a key.
    Key(String),
    /// Into an item, counted from 0.
    Item(usize),
}

/// The path of a field from the root of the file; empty: the root itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct FieldPath(Vec<Step>);

impl FieldPath {
    pub(crate) fn steps(&self) -> &[Step] {
        &self.0
    }

    /// The same path, one key further down.
    #[must_use]
    pub(crate) fn key(&self, key: impl Into<String>) -> Self {
        self.then(Step::Key(key.into()))
    }

    /// The same path, one item further down.
    #[must_use]
    pub(crate) fn item(&self, index: usize) -> Self {
        self.then(Step::Item(index))
    }

    #[must_use]
    fn then(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    /// The path without its last step; of the root: the root.
    #[must_use]
    pub(crate) fn parent(&self) -> Self {
        let (_, parent) = self.0.split_last().unzip();
        Self(parent.unwrap_or_default().to_vec())
    }

    /// Whether `other` is this field or lies within it.
    pub(crate) fn contains(&self, other: &Self) -> bool {
        other.0.starts_with(&self.0)
    }

    /// The path as diagnostics show it; nothing for the root.
    pub(crate) fn shown(&self) -> Option<String> {
        (!self.0.is_empty()).then(|| self.to_string())
    }
}

impl FromIterator<Step> for FieldPath {
    fn from_iter<I: IntoIterator<Item = Step>>(steps: I) -> Self {
        Self(steps.into_iter().collect())
    }
}

/// Reads a dotted path of keys, as rules write them.
impl From<&str> for FieldPath {
    fn from(dotted: &str) -> Self {
        dotted
            .split('.')
            .map(|key| Step::Key(key.to_owned()))
            .collect()
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |key: &str| {
            !key.is_empty()
                && key
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "-_/".contains(c))
        };
        for (depth, step) in self.0.iter().enumerate() {
            match step {
                Step::Item(index) => write!(f, "[{index}]")?,
                Step::Key(key) if !plain(key) => write!(f, "[{:?}]", shortened(key))?,
                Step::Key(key) if depth == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
            }
        }
        Ok(())
    }
}

/// The first sixty characters of `text` on one line: what was found is shown, not reprinted, and
/// cannot speak to a terminal.
pub(crate) fn shortened(text: &str) -> String {
    const SHOWN: usize = 60;
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    let mut shown: String = text.chars().take(SHOWN).map(printable).collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_reads_as_people_write_it() {
        let path = FieldPath::from("spec.alarms")
            .item(2)
            .key("onAlarm")
            .item(0);
        assert_eq!(path.to_string(), "spec.alarms[2].onAlarm[0]");
        assert_eq!(path.parent().to_string(), "spec.alarms[2].onAlarm");
        assert_eq!(FieldPath::default().parent(), FieldPath::default());
        assert_eq!(FieldPath::default().key("a b").to_string(), "[\"a b\"]");
    }

    #[test]
    fn a_path_contains_itself_and_what_lies_below() {
        let alarms = FieldPath::from("spec.alarms");
        assert!(alarms.contains(&alarms.item(0)));
        assert!(alarms.contains(&alarms));
        assert!(!alarms.item(0).contains(&alarms));
    }
}
