//! The controller as it is in production, on the account in memory.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_adapter::quota::{Family, QuotaConfig};
use aws_adapter::{AccessKey, AwsConfig, AwsHome, CALL_TIMEOUT, ConnectionConfig};
use engine::board::Board;
use engine::clock::Clock;
use engine::controller::{Ended, Hints, StartError, Terms, World, run};
use engine::lease::{LeaseTerms, Shared};
use engine::reconcile::Pace;
use engine::tally::Tally;
use engine::touched::Word;
use futures::channel::oneshot;
use futures::{FutureExt, StreamExt};
use schema::names::PlatformName;
use schema::status::{HistoryKind, Phase};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::ReceiverStream;

use crate::account::{Account, Quotas};

/// Time between two looks at what moves, and between listings of the specs: loanctl's default.
const POLL: Duration = Duration::from_secs(10);
/// Time between two looks at what rests: loanctl's default.
pub(super) const RESYNC: Duration = Duration::from_mins(5);
/// Time to live of the lease: loanctl's default.
const LEASE: Duration = Duration::from_secs(30);
/// Share of the quotas in percent: loanctl's default.
pub(super) const SHARE_PERCENT: u32 = 50;

#[derive(Debug)]
pub(super) struct Controller {
    home: AwsHome,
    board: Arc<Board>,
    tally: Arc<Tally>,
    news: Arc<Mutex<BTreeSet<PlatformName>>>,
    specs: mpsc::Sender<()>,
    platforms: mpsc::Sender<(PlatformName, Word)>,
    stop: oneshot::Sender<()>,
    running: JoinHandle<Result<Ended, StartError>>,
    listening: JoinHandle<()>,
}

impl Controller {
    pub(super) async fn start(account: &Account, quotas: Quotas) -> Self {
        let home = AwsHome::open_in(config(quotas), account.in_process())
            .await
            .unwrap();
        let (board, tally) = (Arc::new(Board::default()), Arc::new(Tally::default()));
        let clock = account.clock();
        let world = World {
            compute: home.compute(),
            alarms: home.alarms(),
            documents: home.documents(),
            clock: Clock::new(move || clock.now()),
            board: Arc::clone(&board),
            tally: Arc::clone(&tally),
        };
        let (specs, specs_hints) = mpsc::channel(1);
        let (platforms, platform_hints) = mpsc::channel(16);
        let hints = Hints {
            specs: ReceiverStream::new(specs_hints).boxed(),
            platforms: ReceiverStream::new(platform_hints).boxed(),
        };
        let (stop, stopped) = oneshot::channel();
        let news = Arc::default();
        let listening = tokio::spawn(listen(Arc::clone(&board), Arc::clone(&news)));
        let running = tokio::spawn(run(world, terms(), hints, stopped.map(drop)));
        Self {
            home,
            board,
            tally,
            news,
            specs,
            platforms,
            stop,
            running,
            listening,
        }
    }

    pub(super) async fn stop(self) {
        self.stop.send(()).unwrap();
        let ended = self.running.await.unwrap();
        assert_eq!(ended.unwrap(), Ended::Stopped);
        self.listening.abort();
        drop(self.home);
    }

    /// A notification says that specs were written.
    pub(super) async fn hint_specs(&self) {
        self.specs.send(()).await.unwrap();
    }

    /// A notification says that an alarm of a platform has fired.
    pub(super) async fn hint_of_firing(&self, platform: &str) {
        let platform = PlatformName::try_from(platform).unwrap();
        self.platforms.send((platform, Word::Fired)).await.unwrap();
    }

    /// Rounds that went well, and rounds that failed.
    pub(super) fn rounds(&self) -> (u64, u64) {
        let counts = self.tally.counts();
        (counts.succeeded, counts.failed)
    }

    /// Platforms that are as their specs have them. It takes a while: not for every moment.
    pub(super) fn ready(&self) -> usize {
        self.board
            .platforms()
            .iter()
            .filter(|it| it.is_ready())
            .count()
    }

    /// Those of them whose scoring changes are over.
    pub(super) fn at_rest(&self) -> usize {
        let is_over = |phase| matches!(phase, Phase::Idle | Phase::Succeeded);
        let platforms = self.board.platforms();
        let ready = platforms.iter().filter(|it| it.is_ready());
        ready.filter(|it| is_over(it.status.scoring.phase)).count()
    }

    /// What is shown of one that is not.
    pub(super) fn unready(&self) -> String {
        let platforms = self.board.platforms();
        let found = platforms.iter().find(|it| !it.is_ready());
        found.map_or_else(String::new, |it| {
            format!("{:?} {:?}", it.metadata.name, it.status.conditions)
        })
    }

    /// Platforms whose scoring bakes.
    pub(super) fn baking(&self) -> BTreeSet<String> {
        let platforms = self.board.platforms().into_iter();
        let baking = platforms.filter(|it| it.status.scoring.phase == Phase::Baking);
        baking.filter_map(|it| it.metadata.name.clone()).collect()
    }

    /// Forgets whose changes passed.
    pub(super) fn forget_news(&self) {
        self.news.lock().unwrap().clear();
    }

    /// Platforms whose changes passed since.
    pub(super) fn passed(&self) -> usize {
        self.news.lock().unwrap().len()
    }
}

async fn listen(board: Arc<Board>, news: Arc<Mutex<BTreeSet<PlatformName>>>) {
    let mut happenings = board.happenings();
    loop {
        match happenings.recv().await {
            Ok(it) if it.entry.kind == HistoryKind::Promoted => {
                news.lock().unwrap().insert(it.platform);
            }
            Err(RecvError::Closed) => return,
            Ok(_) | Err(RecvError::Lagged(_)) => {}
        }
    }
}

fn config(quotas: Quotas) -> AwsConfig {
    let limit = |family| (family, quotas.of(family));
    AwsConfig {
        bucket: "loans".to_owned(),
        connection: ConnectionConfig {
            region: Some("eu-west-1".to_owned()),
            endpoint_url: None,
            access_key: Some(AccessKey {
                id: "id".to_owned(),
                secret: "secret".to_owned(),
            }),
        },
        quotas: QuotaConfig {
            share_percent: SHARE_PERCENT,
            limits: Family::ALL.map(limit).into_iter().collect(),
        },
        keeps_notes: true,
    }
}

fn terms() -> Terms {
    Terms {
        pace: Pace {
            concurrency: 0,
            moving: POLL,
            resync: RESYNC,
            listing: POLL,
            removal: RESYNC,
        },
        lease: LeaseTerms::Shared(Shared {
            holder: "benchmark".to_owned(),
            ttl: LEASE,
            call_timeout: CALL_TIMEOUT,
        }),
    }
}
