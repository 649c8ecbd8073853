//! Connections to the database, kept from one statement to the next.
//!
//! sqlx's own pool asks the server after each statement, in a task of its own, whether the connection is still good, and
//! by default once more before the next: two round trips for every one that does something. Here a connection is taken
//! back as it is, and thrown away when its last statement did not come to its end.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use deadpool::managed::{self, Metrics, PoolError, QueueMode, RecycleError, RecycleResult};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};
use tokio::time::timeout;

/// Longest wait for a connection, its making included: well below the request deadline, so that a client hears of an
/// overloaded database instead of waiting for it.
const PATIENCE: Duration = Duration::from_millis(400);
/// Connections are replaced after this time, so that a failover or a new replica is found.
pub(crate) const MAX_LIFETIME: Duration = Duration::from_secs(30 * 60);
/// A connection that was last used longer ago is tried before it is used. Of those in use all the time, the statement
/// itself tells.
const TRIED_AFTER: Duration = Duration::from_secs(1);

/// A bounded number of connections. Cloning shares them.
#[derive(Clone)]
pub(crate) struct Pool(managed::Pool<Maker>);

/// A connection, lent for one statement.
pub(crate) struct Lent(managed::Object<Maker>);

/// Makes connections, and says which are used again.
struct Maker {
    options: ArcSwap<PgConnectOptions>,
}

struct Kept {
    connection: PgConnection,
    /// A statement was begun on it and has not come to its end.
    is_mid_statement: bool,
}

impl Pool {
    /// At most `size` connections, made when they are needed.
    ///
    /// # Errors
    /// Never: what is missing for it is only asked for with timeouts of the pool's own.
    pub(crate) fn new(options: PgConnectOptions, size: u32) -> Result<Self, managed::BuildError> {
        let maker = Maker {
            options: ArcSwap::from_pointee(options),
        };
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let pool = managed::Pool::builder(maker)
            .max_size(size)
            // The one used last is the one whose server process has everything at hand.
            .queue_mode(QueueMode::Lifo);
        Ok(Self(pool.build()?))
    }

    /// A connection for one statement.
    ///
    /// # Errors
    /// When none is free in time, or none can be made.
    pub(crate) async fn lend(&self) -> Result<Lent, sqlx::Error> {
        match timeout(PATIENCE, pin!(self.0.get())).await {
            Ok(Ok(kept)) => Ok(Lent(kept)),
            Ok(Err(PoolError::Backend(error))) => Err(error),
            Ok(Err(PoolError::Closed)) => Err(sqlx::Error::PoolClosed),
            Ok(Err(_)) | Err(_) => Err(sqlx::Error::PoolTimedOut),
        }
    }

    /// A connection that is none of the pool's.
    ///
    /// # Errors
    /// When it cannot be made, or not in time.
    pub(crate) async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        let connected = timeout(PATIENCE, self.0.manager().connect()).await;
        connected.map_err(|_| sqlx::Error::PoolTimedOut)?
    }

    /// Connections that are lent at this moment.
    pub(crate) fn lent(&self) -> usize {
        let status = self.0.status();
        status.size.saturating_sub(status.available)
    }

    /// How connections are made.
    pub(crate) fn options(&self) -> PgConnectOptions {
        PgConnectOptions::clone(&self.0.manager().options.load())
    }

    /// Has those that are made from now on be made with `options`.
    pub(crate) fn set_options(&self, options: PgConnectOptions) {
        self.0.manager().options.store(Arc::new(options));
    }
}

impl fmt::Debug for Pool {
    /// Without its options: a password is among them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("status", &self.0.status())
            .finish_non_exhaustive()
    }
}

impl Lent {
    /// Begins the statement.
    pub(crate) fn begin(&mut self) -> &mut PgConnection {
        self.0.is_mid_statement = true;
        &mut self.0.connection
    }

    /// The statement came to an end: the next one may begin. What the server itself says of it leaves the connection
    /// good; after any other error nobody knows.
    pub(crate) fn ended<T>(mut self, result: &Result<T, sqlx::Error>) {
        self.0.is_mid_statement = !matches!(result, Ok(_) | Err(sqlx::Error::Database(_)));
    }
}

impl Maker {
    async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        PgConnection::connect_with(&self.options.load_full()).await
    }
}

impl managed::Manager for Maker {
    type Type = Kept;
    type Error = sqlx::Error;

    async fn create(&self) -> Result<Kept, sqlx::Error> {
        Ok(Kept {
            connection: self.connect().await?,
            is_mid_statement: false,
        })
    }

    async fn recycle(&self, kept: &mut Kept, metrics: &Metrics) -> RecycleResult<sqlx::Error> {
        if kept.is_mid_statement {
            return Err(RecycleError::message("its statement did not end"));
        }
        if metrics.age() >= MAX_LIFETIME {
            return Err(RecycleError::message("it is old"));
        }
        if metrics.last_used() >= TRIED_AFTER {
            kept.connection.ping().await?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "../../tests/support/postgres.rs"]
#[expect(dead_code, reason = "shared with the tests of the whole service")]
mod postgres;

#[cfg(test)]
mod tests {
    use sqlx::AssertSqlSafe;

    use super::postgres::Postgres;
    use super::*;

    /// Longer than any of these tests takes.
    const FOR_EVER: &str = "SELECT pg_sleep(600)::text";
    const WHO_SERVES: &str = "SELECT pg_backend_pid()::text";

    async fn ask(pool: &Pool, statement: &str) -> Result<String, sqlx::Error> {
        let mut lent = pool.lend().await?;
        let statement = sqlx::query_scalar(AssertSqlSafe(statement));
        let answer = statement.fetch_one(lent.begin()).await;
        lent.ended(&answer);
        answer
    }

    #[tokio::test]
    async fn a_connection_is_used_again_unless_its_statement_did_not_end() {
        let postgres = Postgres::start();
        let pool = Pool::new(postgres.url().parse().unwrap(), 1).unwrap();
        let first = ask(&pool, WHO_SERVES).await.unwrap();
        assert_eq!(ask(&pool, WHO_SERVES).await.unwrap(), first);

        let refused = ask(&pool, "SELECT (1 / 0)::text").await;
        assert!(matches!(refused, Err(sqlx::Error::Database(_))));
        assert_eq!(ask(&pool, WHO_SERVES).await.unwrap(), first);

        let cut_off = timeout(Duration::from_millis(50), ask(&pool, FOR_EVER)).await;
        assert!(cut_off.is_err());
        assert_eq!(pool.lent(), 0);
        let second = ask(&pool, WHO_SERVES).await.unwrap();
        assert_ne!(second, first);

        postgres.query(&format!("SELECT pg_terminate_backend({second}, 10000)"));
        ask(&pool, WHO_SERVES).await.unwrap_err();
        let third = ask(&pool, WHO_SERVES).await.unwrap();
        assert_ne!(third, second);
    }

    #[tokio::test]
    async fn the_connection_that_was_used_last_is_used_next() {
        let postgres = Postgres::start();
        let pool = Pool::new(postgres.url().parse().unwrap(), 2).unwrap();
        let held = pool.lend().await.unwrap();
        let earlier = ask(&pool, WHO_SERVES).await.unwrap();
        drop(held);
        let latest = ask(&pool, WHO_SERVES).await.unwrap();
        assert_ne!(latest, earlier);
        assert_eq!(ask(&pool, WHO_SERVES).await.unwrap(), latest);
    }

    #[tokio::test]
    async fn who_finds_none_free_is_told_so_in_time() {
        let postgres = Postgres::start();
        let pool = Pool::new(postgres.url().parse().unwrap(), 1).unwrap();
        let held = pool.lend().await.unwrap();
        let error = ask(&pool, WHO_SERVES).await.unwrap_err();
        assert!(matches!(error, sqlx::Error::PoolTimedOut), "{error}");
        drop(held);
        ask(&pool, WHO_SERVES).await.unwrap();
    }
}
