//! Applications that were stored and not decided: found again, one at a time, by one task at a time.

use rust_decimal::Decimal;

use super::{Store, StoreError};
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
}

impl Store {
    /// Leases the application that has rested longest, if there is one older than five seconds that
    /// nobody works on. With each attempt it rests twice as long, five minutes at most.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn lease_undecided(&self) -> Result<Option<Undecided>, StoreError> {
        struct Row {
            application_id: String,
            user_id: String,
            amount: Decimal,
            term_months: i32,
            income: Decimal,
            trace_id: String,
        }
        let statement = sqlx::query_as!(
            Row,
            "UPDATE loan_applications \
             SET recovery_attempts = recovery_attempts + 1, \
                 lease_until = now() \
                     + least(300, 5 * 2 ^ least(recovery_attempts, 10)) * interval '1 s' \
             WHERE application_id = ( \
                 SELECT application_id FROM loan_applications \
                 WHERE status = 'RECEIVED' AND lease_until < now() \
                     AND created_at < now() - interval '5 s' \
                 ORDER BY lease_until LIMIT 1 FOR UPDATE SKIP LOCKED) \
             RETURNING application_id, user_id, amount, term_months, income, trace_id",
        )
        .fetch_optional(&self.pool);
        let leased = self.timed(statement).await?.map(|row| Undecided {
            application_id: row.application_id,
            request: LoanRequest {
                user_id: row.user_id,
                amount: row.amount,
                term_months: row.term_months,
                income: row.income,
            },
            trace_id: row.trace_id,
        });
        Ok(leased)
    }

    /// Age of the oldest application without a decision, in seconds; 0 without any.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn oldest_received_age(&self) -> Result<f64, StoreError> {
        let statement = sqlx::query_scalar!(
            r#"SELECT coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 AS "age!"
               FROM loan_applications WHERE status = 'RECEIVED'"#,
        )
        .fetch_one(&self.pool);
        self.timed(statement).await
    }
}
