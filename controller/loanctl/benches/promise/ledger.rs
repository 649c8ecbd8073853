//! The database's side of it: what is stored of what was answered.

use std::time::Duration;

use sqlx::{PgPool, Row};
use tokio::time::{Instant, sleep};

use crate::clients::Answers;
use crate::database;
use crate::laptop::Laptop;

const POLL: Duration = Duration::from_millis(200);

/// The database of a laptop.
#[derive(Debug)]
pub(crate) struct Ledger(PgPool);

/// What became of applications.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fate {
    /// Answered 200 or 202, and not there.
    pub(crate) lost: usize,
    /// Keys with more than one application, and applications with more than one decision.
    pub(crate) doubled: i64,
    /// Without a decision.
    pub(crate) undecided: i64,
}

impl Fate {
    pub(crate) const fn is_as_promised(&self) -> bool {
        self.lost == 0 && self.doubled == 0 && self.undecided == 0
    }
}

impl Ledger {
    pub(crate) fn open(laptop: &Laptop) -> Self {
        let url = database::url(laptop, "loans_db");
        Self(PgPool::connect_lazy(&url).unwrap())
    }

    /// A process of the server that works for the loan API.
    pub(crate) async fn a_backend(&self) -> u32 {
        let query = "SELECT pid FROM pg_stat_activity WHERE application_name = 'loan-api' LIMIT 1";
        let row = sqlx::query(query).fetch_one(&self.0).await.unwrap();
        u32::try_from(row.get::<i32, _>(0)).unwrap()
    }

    /// Waits until nothing is undecided; how long that took, or nothing when it took longer than `patience`.
    pub(crate) async fn settles(&self, patience: Duration) -> Option<Duration> {
        let begun = Instant::now();
        while self.undecided().await != Some(0) {
            if begun.elapsed() > patience {
                return None;
            }
            sleep(POLL).await;
        }
        Some(begun.elapsed())
    }

    /// What became of what was answered so.
    pub(crate) async fn fate_of(&self, answers: &Answers) -> Fate {
        let answered: Vec<&str> = answers
            .0
            .iter()
            .filter_map(|answer| answer.application_id.as_deref())
            .collect();
        let keys: Vec<&str> = answers.0.iter().map(|answer| answer.key.as_str()).collect();
        let stored = self
            .count(
                "SELECT count(*) FROM loan_applications WHERE application_id = ANY($1)",
                &answered,
            )
            .await;
        let doubled = self
            .count(
                "SELECT count(*) FROM (SELECT 1 FROM loan_applications \
                     LEFT JOIN loan_application_audit USING (application_id) \
                 WHERE idempotency_key = ANY($1) GROUP BY idempotency_key HAVING count(*) > 1) AS more",
                &keys,
            )
            .await;
        Fate {
            lost: answered.len() - usize::try_from(stored).unwrap(),
            doubled,
            undecided: self.undecided().await.unwrap(),
        }
    }

    async fn undecided(&self) -> Option<i64> {
        let query = "SELECT count(*) FROM loan_applications WHERE status = 'RECEIVED'";
        // While it restarts, nothing is known.
        let row = sqlx::query(query).fetch_one(&self.0).await.ok()?;
        Some(row.get(0))
    }

    async fn count(&self, query: &'static str, names: &[&str]) -> i64 {
        let row = sqlx::query(query)
            .bind(names)
            .fetch_one(&self.0)
            .await
            .unwrap();
        row.get(0)
    }
}
