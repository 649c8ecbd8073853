//! Watches: what becomes of objects, told as it happens.

use std::sync::Arc;
use std::time::Duration;

use engine::board::{Board, Change};
use futures::{Stream, stream};
use jiff::Timestamp;
use tokio::sync::watch::Receiver;
use tokio::time::Instant;

use super::encoding::{Encoding, Verb, error_line};
use super::object::{self, Object, Step};
use super::scope::Scope;
use super::status::Failure;
use super::version::{Match, Version, match_of};
use crate::http::LONGEST_ANSWER;
use crate::http::asked::Asked;

/// How often a client is told how far it has come. As often as on a cluster.
const BETWEEN_BOOKMARKS: Duration = Duration::from_mins(1);
/// Time for the last bookmark, before an answer is cut off.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// Changes told at once: what a client is sent is never more than this ahead of what it reads.
const AT_ONCE: usize = 32;

/// How a watch goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Terms {
    /// Where it begins.
    since: Since,
    /// Whether the client is told how far it has come.
    bookmarks: bool,
    /// How long it goes on.
    length: Duration,
}

/// Where a watch begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Since {
    /// With everything there is, as if it were new; `marked`: and then a bookmark that says that this was all.
    Everything { marked: bool },
    /// With what comes.
    NowOn,
    /// After a version.
    Version(u64),
}

/// A watch under way.
struct Watch {
    board: Arc<Board>,
    rounds: Receiver<u64>,
    scope: Scope,
    encoding: Encoding,
    bookmarks: bool,
    /// Objects that were there at the beginning and are still to be told; nothing once they are.
    untold: Option<Box<dyn Iterator<Item = Object> + Send>>,
    /// Whether a bookmark is to say that they were all.
    marked: bool,
    /// Everything up to it is told, once nothing is untold.
    version: u64,
    is_first: bool,
    next_bookmark: Instant,
    until: Instant,
    is_over: bool,
}

/// Why a watch ends early.
enum Broken {
    Failed(Failure),
    Unwritable(serde_json::Error),
}

/// Whether `asked` is for a watch rather than a list.
pub(super) fn is_asked_for(asked: &Asked) -> bool {
    is_true(asked, "watch")
}

fn is_true(asked: &Asked, parameter: &str) -> bool {
    let given = asked.parameter(parameter);
    matches!(given.as_deref(), Some("true" | "True" | "1" | "t"))
}

impl Terms {
    /// The terms that a request asks for.
    ///
    /// # Errors
    /// When they make no sense.
    pub(super) fn of(asked: &Asked) -> Result<Self, Failure> {
        let bookmarks = is_true(asked, "allowWatchBookmarks");
        let longest = LONGEST_ANSWER.saturating_sub(LAST_WORDS);
        let length = match asked.parameter("timeoutSeconds").as_deref() {
            None | Some("" | "0") => longest,
            Some(text) => {
                let seconds = text
                    .parse()
                    .map_err(|_| Failure::bad_request("timeoutSeconds is no number"))?;
                Duration::from_secs(seconds).min(longest)
            }
        };
        Ok(Self {
            since: Since::of(asked, bookmarks)?,
            bookmarks,
            length,
        })
    }
}

impl Since {
    fn of(asked: &Asked, bookmarks: bool) -> Result<Self, Failure> {
        let matched = match_of(asked)?;
        let version = Version::of(asked)?;
        if asked.parameter("sendInitialEvents").is_none() {
            return match (matched, version) {
                (Some(_), _) => Err(Failure::invalid(
                    "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
                )),
                (None, Version::Newest) => Ok(Self::Everything { marked: false }),
                (None, Version::At(version)) => Ok(Self::Version(version)),
            };
        }
        if matched != Some(Match::NotOlderThan) {
            return Err(Failure::invalid(
                "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
            ));
        }
        if is_true(asked, "sendInitialEvents") {
            return Ok(Self::Everything { marked: bookmarks });
        }
        Ok(match version {
            Version::Newest => Self::NowOn,
            Version::At(version) => Self::Version(version),
        })
    }
}

/// The lines of a watch, as they are asked for: nothing is made that is not read.
///
/// # Errors
/// None: a version that is forgotten, at the beginning or because the client read too slowly, is told in the last line,
/// as a cluster tells it. Clients know that they must list anew from there: kube-rs does not when it gets an answer
/// without any line.
pub(super) fn follow(
    board: Arc<Board>,
    scope: Scope,
    encoding: Encoding,
    terms: Terms,
) -> impl Stream<Item = String> + Send {
    stream::unfold(
        Watch::new(board, scope, encoding, terms),
        |mut watch| async move { watch.next().await.map(|lines| (lines, watch)) },
    )
}

impl Watch {
    fn new(board: Arc<Board>, scope: Scope, encoding: Encoding, terms: Terms) -> Self {
        let now = Instant::now();
        // Before the board is read: what changes in between wakes it.
        let rounds = board.rounds();
        let snapshot = board.snapshot();
        let (version, untold) = match terms.since {
            Since::Version(version) => (version, None),
            Since::NowOn => (snapshot.version, None),
            Since::Everything { .. } => {
                let all: Box<dyn Iterator<Item = Object> + Send> =
                    Box::new(object::all(scope.clone(), snapshot.platforms));
                (snapshot.version, Some(all))
            }
        };
        Self {
            board,
            rounds,
            scope,
            encoding,
            bookmarks: terms.bookmarks,
            untold,
            marked: terms.since == Since::Everything { marked: true },
            version,
            is_first: true,
            next_bookmark: now + BETWEEN_BOOKMARKS,
            until: now + terms.length,
            is_over: false,
        }
    }

    /// The next lines; nothing when it is over.
    async fn next(&mut self) -> Option<String> {
        loop {
            if self.is_over {
                return None;
            }
            let lines = match self.due().await {
                Ok(lines) => lines,
                Err(broken) => {
                    self.is_over = true;
                    return broken.last_line();
                }
            };
            if !lines.is_empty() {
                return Some(lines);
            }
        }
    }

    /// The lines that are due, waiting for some to be. None, where what there was is not asked for.
    async fn due(&mut self) -> Result<String, Broken> {
        if self.until <= Instant::now() {
            self.is_over = true;
            return self.bookmark(false);
        }
        if let Some(untold) = self.untold.take() {
            return self.tell_untold(untold);
        }
        let changes = self
            .board
            .changes_since(self.version)
            .map_err(Failure::expired)?;
        if !changes.is_empty() {
            return self.tell(&changes);
        }
        let wakes = self.next_bookmark.min(self.until);
        tokio::select! {
            _ = self.rounds.changed() => Ok(String::new()),
            () = tokio::time::sleep_until(wakes) => {
                self.next_bookmark = wakes + BETWEEN_BOOKMARKS;
                // The last one comes with the end.
                if wakes == self.until { Ok(String::new()) } else { self.bookmark(false) }
            }
        }
    }

    fn tell_untold(
        &mut self,
        mut untold: Box<dyn Iterator<Item = Object> + Send>,
    ) -> Result<String, Broken> {
        let mut lines = String::new();
        let batch: Vec<Object> = untold.by_ref().take(AT_ONCE).collect();
        let is_last = batch.len() < AT_ONCE;
        for object in batch {
            lines.push_str(&self.line(Verb::Added, object)?);
        }
        if !is_last {
            self.untold = Some(untold);
        } else if self.marked {
            lines.push_str(&self.bookmark(true)?);
        }
        Ok(lines)
    }

    fn tell(&mut self, changes: &[Change]) -> Result<String, Broken> {
        let mut lines = String::new();
        for change in changes.iter().take(AT_ONCE) {
            self.version = change.version;
            if !self.scope.concerns(&change.platform) {
                continue;
            }
            for step in object::steps(self.scope.resource, change) {
                if let Some((verb, object)) = seen_through(&self.scope, step, change.version) {
                    lines.push_str(&self.line(verb, object)?);
                }
            }
        }
        Ok(lines)
    }

    fn line(&mut self, verb: Verb, object: Object) -> Result<String, Broken> {
        let is_first = std::mem::take(&mut self.is_first);
        Ok(self.encoding.line(
            verb,
            self.scope.resource,
            object,
            is_first,
            Timestamp::now(),
        )?)
    }

    /// Says how far the client has come, if it wants to know.
    fn bookmark(&self, begun: bool) -> Result<String, Broken> {
        if !self.bookmarks || self.untold.is_some() {
            return Ok(String::new());
        }
        Ok(self
            .encoding
            .bookmark(self.scope.resource, self.version, begun)?)
    }
}

/// What a client that looks through `scope` sees of a step: what begins to be asked for is new to it, what ceases to be
/// is gone.
fn seen_through(scope: &Scope, step: Step, version: u64) -> Option<(Verb, Object)> {
    let before = step.before.filter(|object| scope.has(object));
    let after = step.after.filter(|object| scope.has(object));
    match (before, after) {
        (None, Some(object)) => Some((Verb::Added, object)),
        (Some(_), Some(object)) => Some((Verb::Modified, object)),
        (Some(last), None) => Some((Verb::Deleted, last.at(version))),
        (None, None) => None,
    }
}

impl Broken {
    fn last_line(self) -> Option<String> {
        let failure = match self {
            Self::Failed(failure) => failure,
            Self::Unwritable(error) => Failure::internal(&error),
        };
        error_line(&failure.status()).ok()
    }
}

impl From<Failure> for Broken {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<serde_json::Error> for Broken {
    fn from(error: serde_json::Error) -> Self {
        Self::Unwritable(error)
    }
}

#[cfg(test)]
mod tests;
