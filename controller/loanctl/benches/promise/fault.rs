//! What breaks, and how it is mended.

use std::time::Duration;

use rustix::process::Signal;
use tokio::time::sleep;

use crate::laptop::Laptop;
use crate::ledger::Ledger;
use crate::processes;
use crate::spec::Spec;
use crate::view::{View, pids};

/// Load before something breaks and after it is mended.
const AROUND: Duration = Duration::from_secs(10);

/// Something that breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Nothing,
    FlakyProvider,
    ProviderDown,
    DatabaseCrashes,
    AuthStops,
    ScoringIsKilled,
}

impl Fault {
    pub(crate) const ALL: [Self; 6] = [
        Self::Nothing,
        Self::FlakyProvider,
        Self::ProviderDown,
        Self::DatabaseCrashes,
        Self::AuthStops,
        Self::ScoringIsKilled,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::FlakyProvider => "provider: 30 % errors, 5 % hangs, p99 400 ms",
            Self::ProviderDown => "provider down for 60 s",
            Self::DatabaseCrashes => "PostgreSQL crashes and restarts",
            Self::AuthStops => "auth stands still for 10 s",
            Self::ScoringIsKilled => "every task of scoring is killed",
        }
    }

    /// How long the load goes on.
    pub(crate) fn length(self) -> Duration {
        2 * AROUND + self.lasts()
    }

    const fn lasts(self) -> Duration {
        Duration::from_secs(match self {
            Self::ProviderDown => 60,
            Self::AuthStops => 10,
            _ => 20,
        })
    }

    /// Breaks it, and mends it after its time.
    pub(crate) async fn happens(self, laptop: &Laptop, spec: &Spec, ledger: &Ledger) {
        sleep(AROUND).await;
        match self {
            Self::Nothing => sleep(self.lasts()).await,
            Self::FlakyProvider => {
                let flaky = spec
                    .with(
                        "latency: {p50: 60ms, p99: 180ms}",
                        "latency: {p50: 80ms, p99: 400ms}",
                    )
                    .with("errorRate: 0", "errorRate: 30\n      hangRate: 5");
                self.edits(laptop, spec, &flaky).await;
            }
            Self::ProviderDown => {
                let down = spec.with("errorRate: 0", "errorRate: 100");
                self.edits(laptop, spec, &down).await;
            }
            Self::DatabaseCrashes => {
                // One process of it dies by force, and it takes all others down to recover: a crash, in short.
                processes::send(ledger.a_backend().await, Signal::KILL);
                sleep(self.lasts()).await;
            }
            Self::AuthStops => {
                let stopped = tasks(laptop, "auth").await;
                signal(&stopped, Signal::STOP);
                sleep(self.lasts()).await;
                signal(&stopped, Signal::CONT);
            }
            Self::ScoringIsKilled => {
                signal(&tasks(laptop, "scoring").await, Signal::KILL);
                sleep(self.lasts()).await;
            }
        }
    }

    async fn edits(self, laptop: &Laptop, before: &Spec, broken: &Spec) {
        laptop.save(broken);
        sleep(self.lasts()).await;
        laptop.save(before);
    }
}

async fn tasks(laptop: &Laptop, service: &str) -> Vec<u32> {
    pids(laptop.platform().await.service(service))
}

fn signal(pids: &[u32], signal: Signal) {
    for pid in pids {
        processes::send(*pid, signal);
    }
}
