//! What the provider is asked while it is down: a dependency in trouble must not be asked more than one in health.

use std::convert::Infallible;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::admin::{self, Breaker};
use crate::laptop::Laptop;
use crate::table::Table;
use crate::view::View;

const POLL: Duration = Duration::from_millis(100);
/// The retry budget's share, which is all that a failing dependency may be asked in addition: over its interval, since
/// that is what a budget counts over. What was saved up in health can go at once.
const MAX_TO_OPENING: f64 = 1.2;
/// What may be left when the breakers are open: their probes.
const MAX_OPEN: f64 = 0.05;

/// The provider, looked at ten times a second.
#[derive(Debug, Default)]
pub(crate) struct ProviderLoad(Vec<Look>);

#[derive(Clone, Copy, Debug)]
struct Look {
    at: Instant,
    asked: u64,
    failed: u64,
    is_left_alone: bool,
}

/// Requests a second at the provider.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rates {
    normal: f64,
    /// Over the budget's interval, which ends when the breakers are open.
    to_opening: f64,
    /// The part of it since the first failure.
    failing: f64,
    failed_for: Duration,
    /// From one window of the breakers after the first failure to the last.
    open: f64,
}

/// What the layers around the calls look back on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LooksBack {
    pub(crate) budget: Duration,
    pub(crate) breaker: Duration,
}

impl ProviderLoad {
    /// Looks on until it is dropped.
    pub(crate) async fn watch(&mut self, laptop: &Laptop) -> Infallible {
        let platform = laptop.platform().await;
        let (provider, scoring) = (
            platform.service("score-provider"),
            platform.service("scoring"),
        );
        loop {
            let breakers = admin::breakers(scoring).await;
            self.0.push(Look {
                at: Instant::now(),
                asked: admin::count(provider, "requests_total").await,
                failed: admin::count(provider, "errors_total").await,
                is_left_alone: breakers.iter().all(|one| *one == Some(Breaker::Open)),
            });
            sleep(POLL).await;
        }
    }

    /// What it was asked; nothing when it did not fail, or no breaker opened.
    pub(crate) fn rates(&self, looks_back: LooksBack) -> Option<Rates> {
        let looks = &self.0;
        let (begin, last) = (*looks.first()?, *looks.last()?);
        let healthy = *looks.iter().rfind(|look| look.failed == begin.failed)?;
        let failing = *looks.iter().rfind(|look| look.failed < last.failed)?;
        let opening = *looks
            .iter()
            .find(|look| look.at > healthy.at && look.is_left_alone)?;
        let from = |at: Instant| looks.iter().find(|look| look.at >= at).copied();
        Some(Rates {
            normal: per_second(begin, healthy),
            to_opening: per_second(from(opening.at - looks_back.budget)?, opening),
            failing: per_second(healthy, opening),
            failed_for: opening.at - healthy.at,
            open: per_second(from(healthy.at + looks_back.breaker)?, failing),
        })
    }
}

fn per_second(from: Look, to: Look) -> f64 {
    (to.asked - from.asked) as f64 / (to.at - from.at).as_secs_f64()
}

impl Rates {
    pub(crate) fn are_as_promised(&self) -> bool {
        self.to_opening <= MAX_TO_OPENING * self.normal && self.open < MAX_OPEN * self.normal
    }

    pub(crate) fn table(&self) -> Table {
        let mut table = Table::new(
            "What the provider was asked while it was down",
            ["", "requests/s", "of normal", "promised"],
        );
        let share = |rate: f64| format!("{:.0} %", 100.0 * rate / self.normal);
        let row = |what: &str, rate: f64, promised: &str| {
            [
                what.to_owned(),
                format!("{rate:.1}"),
                share(rate),
                promised.to_owned(),
            ]
        };
        table.row(row("in health", self.normal, ""));
        table.row(row(
            "the budget's interval until both breakers were open",
            self.to_opening,
            "120 % at most",
        ));
        let failing = format!(
            "of it since the first failure, {:.1} s",
            self.failed_for.as_secs_f64()
        );
        table.row(row(&failing, self.failing, ""));
        table.row(row(
            "down, from one window of the breakers on",
            self.open,
            "under 5 %",
        ));
        table
    }
}
