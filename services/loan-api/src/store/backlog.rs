//! How far behind decisions are, looked at over a connection of its own: a busy pool is not taken for a database
//! that is away.

use std::io;
use std::time::{Duration, Instant};

use sqlx::PgConnection;

use super::{Store, StoreError};
use crate::database::MAX_LIFETIME;

/// Longest time a look may take, the making of a connection included.
const PATIENCE: Duration = Duration::from_secs(2);

/// Applications without a decision.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backlog {
    /// Age of the oldest that is still tried, in seconds; 0 without any.
    pub oldest_age_s: f64,
    /// How many are left to people.
    pub needing_review: i64,
}

/// Looks at the backlog, again and again.
#[derive(Debug)]
pub struct Lookout {
    store: Store,
    line: Option<Line>,
}

#[derive(Debug)]
struct Line {
    connection: PgConnection,
    made_at: Instant,
}

impl Lookout {
    /// One that looks at `store`. No connection is made before the first look.
    #[must_use]
    pub const fn new(store: Store) -> Self {
        Self { store, line: None }
    }

    /// Looks once.
    ///
    /// # Errors
    /// When the database cannot be reached, or does not answer within two seconds.
    pub async fn look(&mut self) -> Result<Backlog, StoreError> {
        // Taken out, so that a connection on which something failed or hung is not used again. An old one is replaced as
        // those of the pool are: a password that is good no longer shows on new ones only.
        let line = self.line.take();
        let line = line.filter(|line| line.made_at.elapsed() < MAX_LIFETIME);
        let look = self.look_over(line);
        let (backlog, line) = tokio::time::timeout(PATIENCE, look)
            .await
            .map_err(|_| sqlx::Error::Io(io::ErrorKind::TimedOut.into()))??;
        self.line = Some(line);
        Ok(backlog)
    }

    async fn look_over(&self, line: Option<Line>) -> Result<(Backlog, Line), StoreError> {
        let mut line = match line {
            Some(line) => line,
            None => self.new_line().await?,
        };
        let statement = sqlx::query_as!(
            Backlog,
            r#"SELECT coalesce(extract(epoch FROM now() - min(created_at)
                          FILTER (WHERE needs_review_since IS NULL)), 0)::float8 AS "oldest_age_s!",
                      count(*) FILTER (WHERE needs_review_since IS NOT NULL) AS "needing_review!"
               FROM loan_applications WHERE status = 'RECEIVED'"#,
        )
        .fetch_one(&mut line.connection);
        let backlog = self.store.timed(statement).await?;
        Ok((backlog, line))
    }

    async fn new_line(&self) -> Result<Line, StoreError> {
        Ok(Line {
            connection: self.store.pool.connect().await?,
            made_at: Instant::now(),
        })
    }
}
