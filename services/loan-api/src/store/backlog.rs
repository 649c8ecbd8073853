//! How far behind decisions are, looked at over a connection of its own: a busy pool is not taken for a database
//! that is away.

use std::io;
use std::time::Duration;

use sqlx::{Connection, PgConnection};

use super::{Store, StoreError};

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
    connection: Option<PgConnection>,
}

impl Lookout {
    /// One that looks at `store`. No connection is made before the first look.
    #[must_use]
    pub const fn new(store: Store) -> Self {
        Self {
            store,
            connection: None,
        }
    }

    /// Looks once.
    ///
    /// # Errors
    /// When the database cannot be reached, or does not answer within two seconds.
    pub async fn look(&mut self) -> Result<Backlog, StoreError> {
        // Taken out, so that a connection on which something failed or hung is not used again.
        let connection = self.connection.take();
        let look = self.look_over(connection);
        let (backlog, connection) = tokio::time::timeout(PATIENCE, look)
            .await
            .map_err(|_| sqlx::Error::Io(io::ErrorKind::TimedOut.into()))??;
        self.connection = Some(connection);
        Ok(backlog)
    }

    async fn look_over(
        &self,
        connection: Option<PgConnection>,
    ) -> Result<(Backlog, PgConnection), StoreError> {
        let mut connection = match connection {
            Some(connection) => connection,
            None => {
                let options = self.store.pool.connect_options();
                PgConnection::connect_with(&options).await?
            }
        };
        let statement = sqlx::query_as!(
            Backlog,
            r#"SELECT coalesce(extract(epoch FROM now() - min(created_at)
                          FILTER (WHERE needs_review_since IS NULL)), 0)::float8 AS "oldest_age_s!",
                      count(*) FILTER (WHERE needs_review_since IS NOT NULL) AS "needing_review!"
               FROM loan_applications WHERE status = 'RECEIVED'"#,
        )
        .fetch_one(&mut connection);
        let backlog = self.store.timed(statement).await?;
        Ok((backlog, connection))
    }
}
