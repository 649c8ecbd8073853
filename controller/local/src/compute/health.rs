//! Health of a task: what its admin port says.

use std::net::SocketAddr;
use std::time::Duration;

use serde::Deserialize;

use super::state::ReportedSettings;

/// How often a task is asked.
pub(crate) const INTERVAL: Duration = Duration::from_millis(250);
/// How long it may take to answer. Generous: a busy machine is not a sick task.
const TIMEOUT: Duration = Duration::from_secs(2);
/// Unanswered checks in a row after which a task is not ready. One that says so itself is at once.
const TOLERATED_SILENCES: u32 = 2;

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) ready: bool,
    pub(crate) reason: Option<String>,
    pub(crate) settings: Option<ReportedSettings>,
}

#[derive(Deserialize)]
struct Readiness {
    ready: bool,
    reason: Option<String>,
    settings: Option<ReportedSettings>,
}

/// Asks one task again and again.
#[derive(Debug)]
pub(crate) struct Checker {
    client: reqwest::Client,
    url: String,
    silences: u32,
}

impl Checker {
    pub(crate) fn new(client: reqwest::Client, admin: SocketAddr) -> Self {
        Self {
            client,
            url: format!("http://{admin}/readyz"),
            silences: 0,
        }
    }

    /// Asks once. Nothing when there was no answer, and that is no news yet.
    pub(crate) async fn check(&mut self) -> Option<Report> {
        match self.ask().await {
            Ok(readiness) => {
                self.silences = 0;
                Some(Report {
                    ready: readiness.ready,
                    reason: readiness.reason,
                    settings: readiness.settings,
                })
            }
            Err(error) => {
                self.silences += 1;
                (self.silences >= TOLERATED_SILENCES).then(|| Report {
                    ready: false,
                    reason: Some(format!("its health check fails: {error}")),
                    settings: None,
                })
            }
        }
    }

    async fn ask(&self) -> Result<Readiness, reqwest::Error> {
        self.client
            .get(&self.url)
            .timeout(TIMEOUT)
            .send()
            .await?
            .json()
            .await
    }
}
