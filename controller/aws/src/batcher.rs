//! Batches: what many platforms ask for at about the same time goes into one call.
//!
//! AWS counts calls, not what is in them: ten services or a hundred alarms cost as much of a quota as one.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use engine::conditions::with_causes;
use engine::ports::{PortError, Urgency};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

/// Calls under way at once. With more of them what is asked for meanwhile would not gather.
const IN_FLIGHT: usize = 4;
/// Further calls that only a rollback's questions open: the others may all wait for their quota.
const KEPT_FOR_ROLLBACKS: usize = 2;
/// Questions that wait to be taken up.
const QUEUED: usize = 1_024;

/// Something that is described by name, many names a call.
#[async_trait]
pub(crate) trait Describe: Debug + Send + Sync + 'static {
    /// What is told of each name.
    type Item: Clone + Debug + Send + 'static;

    /// Most names in one call.
    const MOST: usize;

    /// What there is of `names`, at most [`Self::MOST`] of them. What is not there is left out.
    async fn describe(
        &self,
        names: &[String],
        urgency: Urgency,
    ) -> Result<Vec<(String, Self::Item)>, PortError>;
}

/// How long a question may wait for others to share its call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Linger {
    /// What rests waits for others as long as they keep coming, each within this time of the one before: a call
    /// that half the platforms could have shared costs as much of a quota as a full one.
    pub(crate) quiet: Duration,
    /// What rests waits no longer than this, however many come.
    pub(crate) longest: Duration,
    /// What moves waits this long.
    pub(crate) edit: Duration,
}

impl Linger {
    /// When a question of `urgency` that came at `since` waits no longer, the last that rests having come at
    /// `newest`.
    fn end(self, urgency: Urgency, since: Instant, newest: Instant) -> Instant {
        match urgency {
            Urgency::Resync => (newest + self.quiet).min(since + self.longest),
            Urgency::Edit => since + self.edit,
            Urgency::Rollback => since,
        }
    }
}

/// Gathers questions into calls.
#[derive(Debug)]
pub(crate) struct Batcher<D: Describe> {
    questions: mpsc::Sender<Question<D::Item>>,
    gathering: JoinHandle<()>,
}

impl<D: Describe> Drop for Batcher<D> {
    fn drop(&mut self) {
        self.gathering.abort();
    }
}

impl<D: Describe> Batcher<D> {
    /// Must be called within a runtime: it gathers on a task of its own.
    pub(crate) fn new(source: Arc<D>, linger: Linger) -> Self {
        let (sender, questions) = mpsc::channel(QUEUED);
        let gathering = tokio::spawn(Gatherer::new(source, linger, questions).run());
        Self {
            questions: sender,
            gathering,
        }
    }

    /// What there is of `names`.
    ///
    /// # Errors
    /// When one of the calls fails that they went into.
    pub(crate) async fn ask(
        &self,
        names: Vec<String>,
        urgency: Urgency,
    ) -> Result<Vec<(String, D::Item)>, PortError> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let (reply, answer) = oneshot::channel();
        let question = Question {
            names,
            urgency,
            reply,
        };
        let ended = |_| PortError::unavailable("ask AWS", "the controller is stopping");
        self.questions.send(question).await.map_err(|_| ended(()))?;
        answer.await.map_err(|_| ended(()))?
    }
}

#[derive(Debug)]
struct Question<T> {
    names: Vec<String>,
    urgency: Urgency,
    reply: oneshot::Sender<Result<Vec<(String, T)>, PortError>>,
}

/// A question that is being answered, in one call or in several.
#[derive(Debug)]
struct Open<T> {
    left: usize,
    found: Vec<(String, T)>,
    reply: oneshot::Sender<Result<Vec<(String, T)>, PortError>>,
}

/// A name that waits for a call, and the question that it belongs to.
#[derive(Debug)]
struct Pending {
    name: String,
    question: u64,
    urgency: Urgency,
    since: Instant,
}

struct Answer<T> {
    /// Which question each name belongs to.
    asked: Vec<(String, u64)>,
    outcome: Result<Vec<(String, T)>, PortError>,
}

struct Gatherer<D: Describe> {
    source: Arc<D>,
    linger: Linger,
    questions: mpsc::Receiver<Question<D::Item>>,
    pending: VecDeque<Pending>,
    open: HashMap<u64, Open<D::Item>>,
    next: u64,
    /// When the last question came that rests.
    newest_at_rest: Instant,
}

impl<D: Describe> Gatherer<D> {
    fn new(source: Arc<D>, linger: Linger, questions: mpsc::Receiver<Question<D::Item>>) -> Self {
        Self {
            source,
            linger,
            questions,
            pending: VecDeque::new(),
            open: HashMap::new(),
            next: 0,
            newest_at_rest: Instant::now(),
        }
    }

    async fn run(mut self) {
        let mut in_flight = FuturesUnordered::new();
        loop {
            while in_flight.len() < self.most_in_flight() {
                let Some(batch) = self.batch() else { break };
                in_flight.push(call(Arc::clone(&self.source), batch));
            }
            let has_room = in_flight.len() < self.most_in_flight();
            let due = self.due().filter(|_| has_room);
            tokio::select! {
                biased;
                Some(answer) = in_flight.next() => self.settle(answer),
                question = self.questions.recv() => match question {
                    Some(question) => self.take_up(question),
                    None => return,
                },
                () = until(due) => {}
            }
        }
    }

    fn take_up(&mut self, question: Question<D::Item>) {
        let id = self.next;
        self.next += 1;
        let since = Instant::now();
        if question.urgency == Urgency::Resync {
            self.newest_at_rest = since;
        }
        let open = Open {
            left: question.names.len(),
            found: Vec::with_capacity(question.names.len()),
            reply: question.reply,
        };
        self.open.insert(id, open);
        self.pending
            .extend(question.names.into_iter().map(|name| Pending {
                name,
                question: id,
                urgency: question.urgency,
                since,
            }));
    }

    /// Calls that may be under way at once, as urgent as what waits is.
    fn most_in_flight(&self) -> usize {
        let is_urgent = |pending: &Pending| pending.urgency == Urgency::Rollback;
        if self.pending.iter().any(is_urgent) {
            IN_FLIGHT + KEPT_FOR_ROLLBACKS
        } else {
            IN_FLIGHT
        }
    }

    /// When the next call is due, if nothing more is asked.
    fn due(&self) -> Option<Instant> {
        let (linger, newest) = (self.linger, self.newest_at_rest);
        let ends = self.pending.iter();
        ends.map(|it| linger.end(it.urgency, it.since, newest))
            .min()
    }

    /// The names of the next call, the most urgent first; nothing while waiting may fill it further.
    fn batch(&mut self) -> Option<Vec<Pending>> {
        let is_due = self.due().is_some_and(|due| due <= Instant::now());
        if !is_due && self.pending.len() < D::MOST {
            return None;
        }
        let pending = self.pending.make_contiguous();
        // Stable: equals stay in the order of their coming.
        pending.sort_by_key(|pending| std::cmp::Reverse(pending.urgency));
        let most = pending.len().min(D::MOST);
        Some(self.pending.drain(..most).collect())
    }

    fn settle(&mut self, answer: Answer<D::Item>) {
        match answer.outcome {
            Ok(found) => self.settle_found(&answer.asked, found),
            Err(error) => self.settle_failed(&answer.asked, &error),
        }
    }

    fn settle_found(&mut self, asked: &[(String, u64)], found: Vec<(String, D::Item)>) {
        let mut found: BTreeMap<String, D::Item> = found.into_iter().collect();
        let mut askers = BTreeMap::<&str, usize>::new();
        for (name, _) in asked {
            *askers.entry(name).or_default() += 1;
        }
        for (name, id) in asked {
            let others = askers.get_mut(name.as_str()).map_or(0, |left| {
                *left -= 1;
                *left
            });
            // What is told is large, and hardly ever asked for twice in a call.
            let item = match others {
                0 => found.remove(name),
                _ => found.get(name).cloned(),
            };
            if let (Some(item), Some(open)) = (item, self.open.get_mut(id)) {
                open.found.push((name.clone(), item));
            }
            self.tick_off(*id);
        }
    }

    fn tick_off(&mut self, id: u64) {
        let Some(open) = self.open.get_mut(&id) else {
            return;
        };
        open.left -= 1;
        if open.left == 0
            && let Some(open) = self.open.remove(&id)
        {
            // Who asked may have gone.
            drop(open.reply.send(Ok(open.found)));
        }
    }

    fn settle_failed(&mut self, asked: &[(String, u64)], error: &PortError) {
        for (_, id) in asked {
            if let Some(open) = self.open.remove(id) {
                drop(open.reply.send(Err(shared(error))));
                self.pending.retain(|pending| pending.question != *id);
            }
        }
    }
}

async fn call<D: Describe>(source: Arc<D>, batch: Vec<Pending>) -> Answer<D::Item> {
    let urgency = batch.iter().map(|pending| pending.urgency).max();
    let names: BTreeSet<String> = batch.iter().map(|pending| pending.name.clone()).collect();
    let names: Vec<String> = names.into_iter().collect();
    let urgency = urgency.unwrap_or(Urgency::Resync);
    Answer {
        outcome: source.describe(&names, urgency).await,
        asked: batch
            .into_iter()
            .map(|pending| (pending.name, pending.question))
            .collect(),
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}

/// The same error, for one more of those whose question went into the call.
fn shared(error: &PortError) -> PortError {
    match error {
        PortError::Refused { action, remedy } => PortError::refused(action.clone(), remedy.clone()),
        PortError::LeaseLost => PortError::LeaseLost,
        PortError::Conflict { path } => PortError::Conflict { path: path.clone() },
        PortError::Unavailable { action, source } => {
            PortError::unavailable(action.clone(), with_causes(source.as_ref()))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Knows every name but those that begin with `no`; remembers its calls.
    #[derive(Debug, Default)]
    struct Oracle {
        calls: Mutex<Vec<Vec<String>>>,
        fails: bool,
    }

    #[async_trait]
    impl Describe for Oracle {
        type Item = usize;
        const MOST: usize = 10;

        async fn describe(
            &self,
            names: &[String],
            _: Urgency,
        ) -> Result<Vec<(String, usize)>, PortError> {
            self.calls.lock().unwrap().push(names.to_vec());
            tokio::time::sleep(Duration::from_millis(50)).await;
            if self.fails {
                return Err(PortError::refused("describe", "do better"));
            }
            let known = names.iter().filter(|name| !name.starts_with("no"));
            Ok(known.map(|name| (name.clone(), name.len())).collect())
        }
    }

    const LINGER: Linger = Linger {
        quiet: Duration::from_secs(1),
        longest: Duration::from_secs(5),
        edit: Duration::from_millis(10),
    };

    fn names(prefix: &str, count: usize) -> Vec<String> {
        (0..count)
            .map(|number| format!("{prefix}-{number}"))
            .collect()
    }

    fn batcher(oracle: &Arc<Oracle>) -> Arc<Batcher<Oracle>> {
        Arc::new(Batcher::new(Arc::clone(oracle), LINGER))
    }

    async fn ask_all(batcher: &Arc<Batcher<Oracle>>, platforms: usize, urgency: Urgency) {
        let asks = (0..platforms).map(|number| {
            let batcher = Arc::clone(batcher);
            async move {
                let asked = names(&format!("p{number}"), 4);
                let found = batcher.ask(asked.clone(), urgency).await.unwrap();
                let mut found: Vec<String> = found.into_iter().map(|(name, _)| name).collect();
                found.sort();
                assert_eq!(found, asked, "everybody gets what they asked for");
            }
        });
        futures::future::join_all(asks).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_thousand_platforms_cost_one_call_for_ten_services() {
        let oracle = Arc::default();
        ask_all(&batcher(&oracle), 1_000, Urgency::Resync).await;
        let calls = oracle.calls.lock().unwrap();
        assert_eq!(calls.len(), 400);
        assert!(calls.iter().all(|names| names.len() == 10));
    }

    /// Asks for `count` names at rest after each `pause`, `times` times; the longest that one waited.
    async fn trickle(
        batcher: &Arc<Batcher<Oracle>>,
        times: u32,
        count: usize,
        pause: Duration,
    ) -> Duration {
        let asks = (0..times).map(|number| {
            let batcher = Arc::clone(batcher);
            async move {
                tokio::time::sleep(pause * number).await;
                let began = Instant::now();
                let asked = batcher.ask(names(&format!("p{number}"), count), Urgency::Resync);
                asked.await.unwrap();
                began.elapsed()
            }
        });
        let waited = futures::future::join_all(asks).await;
        waited.into_iter().max().unwrap_or_default()
    }

    #[tokio::test(start_paused = true)]
    async fn what_rests_waits_until_a_call_is_full_as_long_as_others_keep_coming() {
        let oracle = Arc::default();
        trickle(&batcher(&oracle), 50, 4, Duration::from_millis(900)).await;
        let calls = oracle.calls.lock().unwrap();
        assert_eq!(calls.len(), 20);
        assert!(calls.iter().all(|names| names.len() == 10));
    }

    #[tokio::test(start_paused = true)]
    async fn what_rests_waits_for_a_bounded_time_however_slowly_a_call_fills() {
        let oracle = Arc::default();
        let waited = trickle(&batcher(&oracle), 50, 1, Duration::from_millis(900)).await;
        let call = Duration::from_millis(50);
        assert_eq!(waited, LINGER.longest + call);
        let alone = trickle(&batcher(&oracle), 1, 1, Duration::ZERO).await;
        assert_eq!(alone, LINGER.quiet + call);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_urgent_waits_for_nobody() {
        let oracle = Arc::default();
        let batcher = batcher(&oracle);
        let start = Instant::now();
        ask_all(&batcher, 1, Urgency::Rollback).await;
        assert_eq!(start.elapsed(), Duration::from_millis(50));
    }

    /// Answers rollbacks alone: every other call waits for its quota.
    #[derive(Debug)]
    struct Exhausted;

    #[async_trait]
    impl Describe for Exhausted {
        type Item = ();
        const MOST: usize = 1;

        async fn describe(
            &self,
            names: &[String],
            urgency: Urgency,
        ) -> Result<Vec<(String, ())>, PortError> {
            if urgency != Urgency::Rollback {
                std::future::pending::<()>().await;
            }
            Ok(names.iter().map(|name| (name.clone(), ())).collect())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn invariant_14_a_rollback_is_answered_while_every_other_call_waits_for_its_quota() {
        let batcher = Batcher::new(Arc::new(Exhausted), LINGER);
        let edits = batcher.ask(names("edit", 2 * IN_FLIGHT), Urgency::Edit);
        let rollback = async {
            tokio::time::sleep(LINGER.edit * 2).await;
            batcher.ask(names("rollback", 2), Urgency::Rollback).await
        };
        tokio::select! {
            biased;
            answered = edits => panic!("{answered:?}"),
            answered = tokio::time::timeout(LINGER.longest, rollback) => {
                assert_eq!(answered.unwrap().unwrap().len(), 2);
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_urgent_question_takes_those_that_linger_along() {
        let oracle = Arc::default();
        let batcher = batcher(&oracle);
        let start = Instant::now();
        tokio::join!(
            ask_all(&batcher, 1, Urgency::Resync),
            ask_all(&batcher, 1, Urgency::Edit),
        );
        assert_eq!(start.elapsed(), Duration::from_millis(60));
        assert_eq!(oracle.calls.lock().unwrap().len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_asks_for_the_same_is_told_the_same_by_one_call() {
        let oracle = Arc::default();
        let batcher = batcher(&oracle);
        let (one, two) = tokio::join!(
            batcher.ask(names("a", 3), Urgency::Edit),
            batcher.ask(names("a", 2), Urgency::Edit),
        );
        assert_eq!((one.unwrap().len(), two.unwrap().len()), (3, 2));
        assert_eq!(oracle.calls.lock().unwrap().len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_there_is_left_out() {
        let oracle = Arc::default();
        let batcher = batcher(&oracle);
        let asked = vec!["no-such".to_owned(), "there".to_owned()];
        let found = batcher.ask(asked, Urgency::Edit).await.unwrap();
        assert_eq!(found, [("there".to_owned(), 5)]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_reaches_everybody_who_asked_and_the_next_question_is_asked_anew() {
        let oracle = Arc::new(Oracle {
            fails: true,
            ..Oracle::default()
        });
        let batcher = batcher(&oracle);
        let (one, two) = tokio::join!(
            batcher.ask(names("a", 4), Urgency::Edit),
            batcher.ask(names("b", 15), Urgency::Edit),
        );
        for failed in [one, two] {
            assert!(matches!(failed, Err(PortError::Refused { .. })));
        }
        let again = batcher.ask(names("c", 1), Urgency::Edit).await;
        assert!(again.is_err());
        let calls = oracle.calls.lock().unwrap();
        assert_eq!(calls.last(), Some(&names("c", 1)));
    }

    #[test]
    fn an_error_that_is_shared_keeps_its_causes() {
        #[derive(Debug, thiserror::Error)]
        #[error("service error")]
        struct Unexplained(#[source] std::fmt::Error);

        let error = PortError::unavailable("read services", Unexplained(std::fmt::Error));
        assert_eq!(with_causes(&shared(&error)), with_causes(&error));
    }
}
