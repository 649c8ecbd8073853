//! Events, made from the history of platforms: what stands there is an event for as long as it stands there.

use std::sync::Arc;

use engine::board::{Change, ChangeKind, PlatformObject};
use k8s_openapi::api::core::v1::{Event, EventSource, ObjectReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use schema::revision::digest_of;
use schema::status::{HistoryEntry, HistoryKind};

/// Who reports them.
const REPORTER: &str = "loanctl";
/// Digits of an entry's digest in the name of its event: enough to tell apart those of one platform.
const DIGITS: usize = 16;

/// The events of a platform, the oldest first.
pub(super) fn of(platform: &PlatformObject) -> impl Iterator<Item = Event> {
    platform
        .status
        .history
        .iter()
        .map(|entry| event(platform, entry))
}

/// The events that came with a change, at its version.
pub(super) fn new(change: &Change) -> impl Iterator<Item = Event> {
    change.news.iter().map(|entry| {
        let mut event = event(&change.platform, entry);
        event.metadata.resource_version = Some(change.version.to_string());
        event
    })
}

/// The events that went with a change: their entries fell off the end of the history, or their platform is gone.
pub(super) fn forgotten(change: &Change) -> impl Iterator<Item = Event> {
    let before = change.before.as_deref();
    let is_gone = change.kind == ChangeKind::Deleted;
    let oldest = change.platform.status.history.first().filter(|_| !is_gone);
    let fell_off = before.into_iter().flat_map(move |before| {
        let entries = before.status.history.iter();
        entries
            .take_while(move |entry| Some(*entry) != oldest)
            .map(move |entry| (before, entry))
    });
    fell_off.map(|(before, entry)| event(before, entry))
}

/// The event that tells of `entry`: the same whenever it is made.
fn event(platform: &PlatformObject, entry: &Arc<HistoryEntry>) -> Event {
    let about = &platform.metadata;
    let name = about.name.clone().unwrap_or_default();
    let digest = digest_of(entry);
    let at = Time(entry.at);
    Event {
        metadata: ObjectMeta {
            name: Some(format!(
                "{name}.{}",
                digest.get(..DIGITS).unwrap_or(&digest)
            )),
            namespace: about.namespace.clone(),
            creation_timestamp: Some(at.clone()),
            // Events do not change, and versions count the time in the same unit.
            resource_version: Some(entry.at.as_microsecond().to_string()),
            uid: None,
            ..ObjectMeta::default()
        },
        involved_object: ObjectReference {
            api_version: Some(platform.api_version.clone()),
            kind: Some(platform.kind.clone()),
            name: about.name.clone(),
            namespace: about.namespace.clone(),
            uid: about.uid.clone(),
            ..ObjectReference::default()
        },
        type_: Some(severity(entry.kind).to_owned()),
        reason: Some(format!("{:?}", entry.kind)),
        message: Some(entry.message.clone()),
        count: Some(1),
        first_timestamp: Some(at.clone()),
        last_timestamp: Some(at),
        source: Some(EventSource {
            component: Some(REPORTER.to_owned()),
            host: None,
        }),
        reporting_component: Some(REPORTER.to_owned()),
        reporting_instance: Some(String::new()),
        ..Event::default()
    }
}

const fn severity(kind: HistoryKind) -> &'static str {
    if kind.is_warning() {
        "Warning"
    } else {
        "Normal"
    }
}

#[cfg(test)]
pub(super) mod tests {
    use engine::board::Board;
    use engine::state::PlatformState;
    use jiff::Timestamp;
    use schema::names::PlatformName;
    use schema::status::{Actor, LoanPlatformStatus};

    use super::*;

    pub(in super::super) fn name() -> PlatformName {
        PlatformName::try_from("local").unwrap()
    }

    /// An entry of second `second`.
    pub(in super::super) fn entry(second: i64, kind: HistoryKind) -> Arc<HistoryEntry> {
        Arc::new(HistoryEntry {
            at: Timestamp::from_second(second).unwrap(),
            kind,
            by: Actor::Controller,
            from: None,
            to: None,
            reason: "SpecChanged".to_owned(),
            message: format!("what happened at {second}"),
            evidence: None,
        })
    }

    pub(in super::super) fn with_history(history: Vec<Arc<HistoryEntry>>) -> PlatformObject {
        let state = PlatformState::new(name(), Timestamp::UNIX_EPOCH);
        let status = LoanPlatformStatus {
            history,
            ..LoanPlatformStatus::default()
        };
        PlatformObject::new(&state, status)
    }

    pub(in super::super) fn platform() -> Arc<PlatformObject> {
        Arc::new(with_history(vec![entry(1, HistoryKind::Promoted)]))
    }

    /// The event of [`platform`].
    pub(in super::super) fn event() -> Event {
        of(&platform()).next().unwrap()
    }

    /// The last change of a board that showed these histories, one after the other.
    fn change(histories: [Vec<Arc<HistoryEntry>>; 2]) -> Change {
        let board = Board::default();
        for history in histories {
            board.show(&name(), with_history(history));
        }
        board.changes_since(0).unwrap().pop().unwrap()
    }

    fn messages(events: impl Iterator<Item = Event>) -> Vec<String> {
        events.map(|event| event.message.unwrap()).collect()
    }

    #[test]
    fn an_event_is_the_same_whenever_it_is_made_and_names_its_platform() {
        let event = event();
        assert_eq!(event, self::event());
        assert_eq!(event.involved_object.uid, platform().metadata.uid);
        assert_eq!(event.type_.as_deref(), Some("Normal"));
        assert_eq!(event.reason.as_deref(), Some("Promoted"));
        assert!(event.metadata.name.unwrap().starts_with("local."));
    }

    #[test]
    fn entries_at_one_moment_are_events_of_their_own() {
        let kinds = [HistoryKind::Held, HistoryKind::Suspected];
        let platform = with_history(kinds.map(|kind| entry(1, kind)).into());
        let names: Vec<_> = of(&platform).map(|event| event.metadata.name).collect();
        assert_ne!(names[0], names[1]);
        assert!(of(&platform).all(|event| event.type_.as_deref() == Some("Warning")));
    }

    #[test]
    fn what_comes_into_the_history_is_new_and_what_falls_off_its_end_is_gone() {
        let entries: Vec<_> = (1..=4)
            .map(|second| entry(second, HistoryKind::Applied))
            .collect();
        let change = change([entries[..3].to_vec(), entries[2..].to_vec()]);
        assert_eq!(messages(new(&change)), ["what happened at 4"]);
        assert_eq!(
            messages(forgotten(&change)),
            ["what happened at 1", "what happened at 2"]
        );
        let version = Some(change.version.to_string());
        assert!(new(&change).all(|event| event.metadata.resource_version == version));
    }

    #[test]
    fn the_events_of_a_platform_go_with_it() {
        let board = Board::default();
        board.show(&name(), with_history(vec![entry(1, HistoryKind::Applied)]));
        board.remove(&name());
        let change = board.changes_since(0).unwrap().pop().unwrap();
        assert_eq!(messages(forgotten(&change)), ["what happened at 1"]);
        assert_eq!(new(&change).count(), 0);
    }
}
