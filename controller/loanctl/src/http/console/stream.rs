//! Streams of server-sent events: first everything, then what changes.
//!
//! A stream is pulled: an event is made when its client can take one, from the board as it is then. So one that reads
//! slowly skips what was in between, and nothing is gathered for it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use engine::board::{Board, PlatformObject};
use futures::Stream;
use http::StatusCode;
use jiff::Timestamp;
use schema::names::PlatformName;
use service_kit::Problem;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::Instant;
use warp::reply::Response as Reply;

use super::super::{Port, streamed};
use super::detail::Detail;
use super::viewers::Viewers;

const CONTENT_TYPE: &str = "text/event-stream";
/// Shortest time between two events of a stream: nobody reads faster.
const BETWEEN_EVENTS: Duration = Duration::from_millis(500);
/// Longest time between two. A page that hears nothing for longer knows that it is cut off.
const BEAT: Duration = Duration::from_secs(5);

/// Every platform at a glance.
pub(super) fn glances(port: &Port) -> Reply {
    let sight = Everything {
        board: Arc::clone(&port.board),
        viewers: Arc::clone(&port.viewers),
        sent: None,
    };
    answer(port, sight)
}

/// The platform called `name`, in full.
pub(super) fn platform(port: &Port, name: PlatformName) -> Reply {
    let sight = One {
        board: Arc::clone(&port.board),
        name,
        sent: Sent::Nothing,
    };
    answer(port, sight)
}

fn answer(port: &Port, sight: impl Sight + Send + 'static) -> Reply {
    let Some(place) = port.viewers.place() else {
        return Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "TOO_MANY_VIEWERS",
            "too many look at once: close a page, or try again later",
        )
        .into_response();
    };
    let events = events(port.board.rounds(), sight, place);
    streamed::answer(CONTENT_TYPE, events, port.stop.clone())
}

/// What a stream looks at.
trait Sight {
    /// The event that says what is new since the last one; nothing where all is as it was.
    fn news(&mut self, at: Timestamp) -> Option<String>;
}

struct Viewer<S> {
    sight: S,
    rounds: watch::Receiver<u64>,
    last: Option<Instant>,
    _place: OwnedSemaphorePermit,
}

fn events<S: Sight>(
    rounds: watch::Receiver<u64>,
    sight: S,
    place: OwnedSemaphorePermit,
) -> impl Stream<Item = String> {
    let viewer = Viewer {
        sight,
        rounds,
        last: None,
        _place: place,
    };
    futures::stream::unfold(viewer, |mut viewer| async move {
        let event = viewer.next().await?;
        viewer.last = Some(Instant::now());
        Some((event, viewer))
    })
}

impl<S: Sight> Viewer<S> {
    /// The next event; none once there is no board any more.
    async fn next(&mut self) -> Option<String> {
        if let Some(last) = self.last {
            tokio::time::sleep_until(last + BETWEEN_EVENTS).await;
        }
        let silent_until = Instant::now() + BEAT;
        loop {
            self.rounds.mark_unchanged();
            if let Some(event) = self.sight.news(Timestamp::now()) {
                return Some(event);
            }
            tokio::select! {
                changed = self.rounds.changed() => changed.ok()?,
                () = tokio::time::sleep_until(silent_until) => return Some(beat(Timestamp::now())),
            }
            // The board changes with each look at a platform, whether anything is new or not.
            tokio::time::sleep(BETWEEN_EVENTS).await;
        }
    }
}

/// Every platform at a glance; and what its client was last sent of each.
struct Everything {
    board: Arc<Board>,
    viewers: Arc<Viewers>,
    sent: Option<BTreeMap<String, Arc<str>>>,
}

impl Sight for Everything {
    fn news(&mut self, at: Timestamp) -> Option<String> {
        let shown = self.viewers.glances(&self.board.platforms());
        let event = match &self.sent {
            None => everything(&shown, at),
            Some(sent) => changes(sent, &shown, at)?,
        };
        self.sent = Some(shown);
        Some(event)
    }
}

/// One platform; and how its client last saw it.
struct One {
    board: Arc<Board>,
    name: PlatformName,
    sent: Sent,
}

enum Sent {
    Nothing,
    Absence,
    Platform(Arc<PlatformObject>),
}

impl Sight for One {
    fn news(&mut self, at: Timestamp) -> Option<String> {
        let Some(shown) = self.board.platform(&self.name) else {
            let is_news = !matches!(self.sent, Sent::Absence);
            self.sent = Sent::Absence;
            return is_news.then(|| event("absent", &format!("{{\"at\":\"{at}\"}}")));
        };
        let before = match &self.sent {
            Sent::Platform(before) => Some(before.as_ref()),
            Sent::Nothing | Sent::Absence => None,
        };
        let news = Detail::news(before, &shown, at)?;
        // Every key is text, so that it has a form in JSON.
        let text = serde_json::to_string(&news).unwrap_or_default();
        self.sent = Sent::Platform(shown);
        Some(event("platform", &text))
    }
}

fn everything(shown: &BTreeMap<String, Arc<str>>, at: Timestamp) -> String {
    let all = listed(shown.values());
    event(
        "snapshot",
        &format!("{{\"at\":\"{at}\",\"platforms\":{all}}}"),
    )
}

/// What differs; nothing where nothing does.
fn changes(
    sent: &BTreeMap<String, Arc<str>>,
    shown: &BTreeMap<String, Arc<str>>,
    at: Timestamp,
) -> Option<String> {
    let is_new = |(name, text): &(&String, &Arc<str>)| {
        sent.get(*name)
            .is_none_or(|sent| !Arc::ptr_eq(sent, text) && sent != *text)
    };
    let changed: Vec<_> = shown.iter().filter(is_new).map(|(_, text)| text).collect();
    let removed: Vec<_> = sent
        .keys()
        .filter(|name| !shown.contains_key(*name))
        .map(|name| format!("\"{name}\"").into())
        .collect();
    if changed.is_empty() && removed.is_empty() {
        return None;
    }
    let (changed, removed) = (listed(changed), listed(&removed));
    let data = format!("{{\"at\":\"{at}\",\"platforms\":{changed},\"removed\":{removed}}}");
    Some(event("changes", &data))
}

/// A list in JSON of what is JSON already.
fn listed<'a>(items: impl IntoIterator<Item = &'a Arc<str>>) -> String {
    let items: Vec<&str> = items.into_iter().map(AsRef::as_ref).collect();
    format!("[{}]", items.join(","))
}

fn beat(at: Timestamp) -> String {
    event("beat", &format!("{{\"at\":\"{at}\"}}"))
}

/// One event. `data` is JSON without line breaks.
fn event(name: &str, data: &str) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}

#[cfg(test)]
pub(super) mod tests {
    use engine::state::PlatformState;
    use futures::{FutureExt, StreamExt};
    use schema::LoanPlatformStatus;
    use schema::status::Phase;
    use serde_json::Value;

    use super::*;

    fn name(name: &str) -> PlatformName {
        name.try_into().unwrap()
    }

    /// A platform as it is when it was first seen.
    pub(in super::super) fn platform(called: &str) -> PlatformObject {
        let state = PlatformState::new(name(called), Timestamp::UNIX_EPOCH);
        PlatformObject::new(&state, LoanPlatformStatus::default())
    }

    fn waiting(called: &str, on: &str) -> PlatformObject {
        let mut platform = platform(called);
        platform.status.scoring.phase = Phase::Preflight;
        platform.status.scoring.waiting_on = Some(on.to_owned());
        platform
    }

    fn watch(board: &Arc<Board>) -> impl Stream<Item = (String, Value)> + use<> {
        let viewers = Arc::new(Viewers::default());
        let place = viewers.place().unwrap();
        let sight = Everything {
            board: Arc::clone(board),
            viewers,
            sent: None,
        };
        events(board.rounds(), sight, place).map(|event| parsed(&event))
    }

    fn watch_one(board: &Arc<Board>, called: &str) -> impl Stream<Item = (String, Value)> + use<> {
        let sight = One {
            board: Arc::clone(board),
            name: name(called),
            sent: Sent::Nothing,
        };
        let place = Viewers::default().place().unwrap();
        events(board.rounds(), sight, place).map(|event| parsed(&event))
    }

    fn parsed(event: &str) -> (String, Value) {
        let rest = event.strip_prefix("event: ").unwrap();
        let (name, data) = rest.split_once("\ndata: ").unwrap();
        let data = data.strip_suffix("\n\n").unwrap();
        assert!(!data.contains('\n'), "{data}");
        (name.to_owned(), serde_json::from_str(data).unwrap())
    }

    fn names(data: &Value) -> Vec<&str> {
        let platforms = data["platforms"].as_array().unwrap();
        platforms
            .iter()
            .map(|platform| platform["name"].as_str().unwrap())
            .collect()
    }

    #[tokio::test(start_paused = true)]
    async fn first_comes_everything_and_then_only_what_changes() {
        let board = Arc::new(Board::default());
        board.show(&name("a"), platform("a"));
        board.show(&name("b"), platform("b"));
        let mut events = Box::pin(watch(&board));
        let (kind, data) = events.next().await.unwrap();
        assert_eq!((kind.as_str(), names(&data)), ("snapshot", vec!["a", "b"]));

        board.show(&name("b"), waiting("b", "alarms"));
        board.show(&name("c"), platform("c"));
        let (kind, data) = events.next().await.unwrap();
        assert_eq!((kind.as_str(), names(&data)), ("changes", vec!["b", "c"]));
        assert_eq!(data["platforms"][0]["waitingOn"], "alarms");

        board.remove(&name("a"));
        let (_, data) = events.next().await.unwrap();
        assert_eq!(data["removed"], serde_json::json!(["a"]));
    }

    #[tokio::test(start_paused = true)]
    async fn however_fast_a_platform_changes_its_viewer_hears_of_it_twice_a_second() {
        let board = Arc::new(Board::default());
        let mut events = Box::pin(watch(&board));
        events.next().await.unwrap();
        let begun = Instant::now();
        let mut heard = Vec::new();
        for number in 0..1_000 {
            board.show(&name("a"), waiting("a", &number.to_string()));
            tokio::time::sleep(Duration::from_millis(10)).await;
            if let Some(event) = events.next().now_or_never() {
                heard.push(event.unwrap());
            }
        }
        let half_seconds = begun.elapsed().as_millis() / BETWEEN_EVENTS.as_millis();
        assert!(heard.len() as u128 <= half_seconds + 1, "{}", heard.len());
        assert!(heard.len() > 5, "{}", heard.len());
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_reader_skips_what_was_in_between() {
        let board = Arc::new(Board::default());
        let mut events = Box::pin(watch(&board));
        events.next().await.unwrap();
        for number in 0..100 {
            board.show(&name("a"), waiting("a", &number.to_string()));
        }
        let (_, data) = events.next().await.unwrap();
        assert_eq!(data["platforms"][0]["waitingOn"], "99");
        let (kind, _) = events.next().await.unwrap();
        assert_eq!(kind, "beat", "nothing was kept for it");
    }

    #[tokio::test(start_paused = true)]
    async fn a_board_that_rests_is_heard_of_all_the_same() {
        let board = Arc::new(Board::default());
        board.show(&name("a"), platform("a"));
        let mut events = Box::pin(watch(&board));
        events.next().await.unwrap();
        let begun = Instant::now();
        // It is looked at again and again, and is as it was.
        let looking = async {
            loop {
                board.show(&name("a"), platform("a"));
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        let (kind, _) = tokio::select! {
            event = events.next() => event.unwrap(),
            () = looking => unreachable!("it goes on"),
        };
        assert_eq!(kind, "beat");
        assert!(begun.elapsed() <= BEAT + 2 * BETWEEN_EVENTS);
    }

    #[tokio::test(start_paused = true)]
    async fn a_platform_is_shown_in_full_once_and_then_less_what_its_viewer_has() {
        let board = Arc::new(Board::default());
        let mut events = Box::pin(watch_one(&board, "a"));
        assert_eq!(events.next().await.unwrap().0, "absent");
        board.show(&name("a"), platform("a"));
        let (kind, data) = events.next().await.unwrap();
        assert_eq!(kind, "platform");
        assert!(data["history"].is_array(), "{data}");

        board.show(&name("a"), waiting("a", "alarms"));
        let (_, data) = events.next().await.unwrap();
        assert_eq!(data["status"]["scoring"]["waitingOn"], "alarms");
        assert!(data.get("history").is_none(), "{data}");
        assert!(data.get("spec").is_none(), "{data}");

        board.remove(&name("a"));
        assert_eq!(events.next().await.unwrap().0, "absent");
    }
}
