//! Every reason that a condition or an event may have: what it means, and what a person does about it.
//!
//! The catalogue is for people who are called at night, and for the pages that are made from it. What the engine says of a
//! platform is checked against it wherever it runs with debug assertions, which is in every test and in the simulation.

mod conditions;
mod events;

use schema::status::HistoryKind;

pub use conditions::CONDITIONS;
pub use events::EVENTS;

/// A reason of `Ready`, and of the condition that stands beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConditionReason {
    /// The reason.
    pub name: &'static str,
    /// The condition that is true with it.
    pub condition: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// What to do.
    pub remedy: &'static str,
}

/// A reason of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventReason {
    /// What kind of event.
    pub kind: HistoryKind,
    /// The reason.
    pub name: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// What to do; empty where nothing is to be done.
    pub remedy: &'static str,
}

/// The condition reason called `name`.
#[must_use]
pub fn condition(name: &str) -> Option<&'static ConditionReason> {
    CONDITIONS.iter().find(|known| known.name == name)
}

/// The event reason called `name` of events of `kind`.
#[must_use]
pub fn event(kind: HistoryKind, name: &str) -> Option<&'static EventReason> {
    EVENTS
        .iter()
        .find(|known| known.kind == kind && known.name == name)
}

/// The page that tells of all of them, in Markdown.
#[must_use]
pub fn page() -> String {
    let mut page = String::from(
        "# Every condition and every event\n\n\
         Made from the controller's own catalogue by `loanctl schema --write`. The message beside a reason says which alarm,\n\
         service or field it is about.\n\n\
         ## Conditions\n\n\
         `Ready` is always there. `Reconciling` stands beside it while something is on its way, `Stalled` while nothing more\n\
         happens by itself. The reason is the same on all of them.\n\n\
         | reason | with | what it means | what to do |\n| --- | --- | --- | --- |\n",
    );
    for reason in CONDITIONS {
        page.push_str(&format!(
            "| `{}` | {} | {} | {} |\n",
            reason.name, reason.condition, reason.meaning, reason.remedy
        ));
    }
    page.push_str(
        "\n## Events\n\n\
         The history of a platform, and what `kubectl describe` lists. The last fifty are kept.\n\n\
         | event | reason | what it means | what to do |\n| --- | --- | --- | --- |\n",
    );
    for reason in EVENTS {
        let remedy = if reason.remedy.is_empty() {
            "—"
        } else {
            reason.remedy
        };
        page.push_str(&format!(
            "| `{:?}` | `{}` | {} | {remedy} |\n",
            reason.kind, reason.name, reason.meaning
        ));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_reason_stands_in_the_catalogue_twice() {
        for (index, reason) in CONDITIONS.iter().enumerate() {
            let first = CONDITIONS.iter().position(|it| it.name == reason.name);
            assert_eq!(first, Some(index), "{}", reason.name);
        }
        for (index, reason) in EVENTS.iter().enumerate() {
            let is_it = |it: &EventReason| it.name == reason.name && it.kind == reason.kind;
            assert_eq!(
                EVENTS.iter().position(is_it),
                Some(index),
                "{}",
                reason.name
            );
        }
    }

    #[test]
    fn whoever_is_stalled_is_told_what_to_do() {
        for reason in CONDITIONS
            .iter()
            .filter(|it| it.condition.contains("Stalled"))
        {
            assert!(!reason.remedy.is_empty(), "{}", reason.name);
        }
    }

    #[test]
    fn the_page_tells_of_every_reason() {
        let page = page();
        for name in CONDITIONS.iter().map(|it| it.name) {
            assert!(page.contains(&format!("| `{name}` |")), "{name}");
        }
        for name in EVENTS.iter().map(|it| it.name) {
            assert!(page.contains(&format!("| `{name}` |")), "{name}");
        }
    }
}
