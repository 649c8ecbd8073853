//! Applications that were stored and not decided: found again, one at a time, by one task at a time.

use std::time::Duration;

use rust_decimal::Decimal;

use super::{Store, StoreError, milliseconds};
use crate::application::LoanRequest;

/// An application without a decision, leased to whoever asked.
#[derive(Clone, Debug)]
pub struct Undecided {
    /// Its id.
    pub application_id: String,
    /// What is applied for.
    pub request: LoanRequest,
    /// The trace it came with.
    pub trace_id: String,
    /// How often it was refused for what it is, rather than for what was broken.
    pub refusals: i32,
    /// How long ago it came.
    pub age: Duration,
}

struct Row {
    application_id: String,
    user_id: String,
    amount: Decimal,
    term_months: i32,
    income: Decimal,
    trace_id: String,
    refusals: i32,
    age_s: f64,
}

impl From<Row> for Undecided {
    fn from(row: Row) -> Self {
        Self {
            application_id: row.application_id,
            request: LoanRequest {
                user_id: row.user_id,
                amount: row.amount,
                term_months: row.term_months,
                income: row.income,
            },
            trace_id: row.trace_id,
            refusals: row.refusals,
            // A clock set back makes an application younger than new.
            age: Duration::try_from_secs_f64(row.age_s).unwrap_or_default(),
        }
    }
}

impl Store {
    /// Leases the application that has rested longest, if there is one that nobody works on.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn lease_undecided(&self, lease: Duration) -> Result<Option<Undecided>, StoreError> {
        let statement = sqlx::query_as!(
            Row,
            r#"UPDATE loan_applications
               SET lease_until = now() + $1::bigint * interval '1 ms'
               WHERE application_id = (
                   SELECT application_id FROM loan_applications
                   WHERE status = 'RECEIVED' AND lease_until < now()
                   ORDER BY lease_until LIMIT 1 FOR UPDATE SKIP LOCKED)
               RETURNING application_id, user_id, amount, term_months, income, trace_id, refusals,
                   extract(epoch FROM now() - created_at)::float8 AS "age_s!""#,
            milliseconds(lease),
        );
        Ok(self.fetch(statement).await?.map(Undecided::from))
    }

    /// Has an application rest that was tried in vain: twice as long each time, five minutes at most, and never
    /// quite as long as others. `refused` says that it was so for what it is.
    ///
    /// # Errors
    /// When the database does not answer; it rests until its lease ends then.
    pub async fn rest(&self, application_id: &str, refused: bool) -> Result<(), StoreError> {
        let statement = sqlx::query!(
            "UPDATE loan_applications \
             SET recovery_attempts = recovery_attempts + 1, \
                 refusals = refusals + $2, \
                 lease_until = now() + (0.5 + random() / 2) \
                     * least(300, 5 * 2 ^ least(recovery_attempts, 10)) * interval '1 s' \
             WHERE application_id = $1 AND decided_at IS NULL AND needs_review_since IS NULL",
            application_id,
            i32::from(refused),
        );
        self.execute(statement).await.map(drop)
    }

    /// Gives an application back that was not tried: nothing is counted against it.
    ///
    /// # Errors
    /// When the database does not answer; it rests until its lease ends then.
    pub async fn give_back(&self, application_id: &str) -> Result<(), StoreError> {
        let statement = sqlx::query!(
            "UPDATE loan_applications SET lease_until = now() + interval '1 s' \
             WHERE application_id = $1 AND decided_at IS NULL AND needs_review_since IS NULL",
            application_id,
        );
        self.execute(statement).await.map(drop)
    }

    /// Leaves an application to people: it is not tried again until one of them says so.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn leave_to_people(
        &self,
        application_id: &str,
        reason: &str,
    ) -> Result<(), StoreError> {
        let statement = sqlx::query!(
            "UPDATE loan_applications \
             SET needs_review_since = now(), review_reason = $2, lease_until = 'infinity' \
             WHERE application_id = $1 AND decided_at IS NULL AND needs_review_since IS NULL",
            application_id,
            reason,
        );
        self.execute(statement).await.map(drop)
    }
}
