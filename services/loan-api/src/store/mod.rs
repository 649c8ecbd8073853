//! The database: one short statement at a time, never held across a call to another service.
//!
//! What is undecided has the status RECEIVED and, by the table's rule, no `decided_at`. Who looks for whatever is
//! undecided says the first, which leads to an index of nothing else; who means one application says the second: with the
//! first PostgreSQL went to half of all applications through that index, and through all that is in it.

mod applications;
mod backlog;
mod undecided;

use std::future::Future;
use std::pin::pin;
use std::time::{Duration, Instant};

use schema::signals::Metric;
use service_kit::aws::CredentialsError;
use service_kit::telemetry::metrics::Distribution;
use service_kit::trace::Call;
use service_kit::{Metrics, Problem};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::{Map, Query};
use sqlx::{Connection, Executor, Postgres};

use crate::database::{Database, Login, Pool};

pub use applications::{Decided, Inserted, NewApplication, Status, StoredApplication};
pub use backlog::{Backlog, Lookout};
pub use undecided::Undecided;

/// Longest run of a statement, ended by the database itself.
const STATEMENT_TIMEOUT: &str = "2000";
/// As statements take it.
fn milliseconds(length: Duration) -> i64 {
    i64::try_from(length.as_millis()).unwrap_or(i64::MAX)
}

static MIGRATIONS: Migrator = sqlx::migrate!();

/// The applications in the database.
#[derive(Clone, Debug)]
pub struct Store {
    pool: Pool,
    login: Option<Login>,
    latency: Distribution,
}

/// Why the database did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Nothing to log in with.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// Its connections cannot be kept.
    #[error("connections to the database cannot be kept: {0}")]
    Pool(#[from] deadpool::managed::BuildError),
    /// It cannot be reached, is too busy, or refused the statement.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
    /// Its tables cannot be brought up to date.
    #[error("the database cannot be migrated: {0}")]
    Migrate(#[from] MigrateError),
    /// It holds a status that this program does not know.
    #[error("application {application_id} has an unknown status `{status}`")]
    UnknownStatus {
        /// The application.
        application_id: String,
        /// Its status.
        status: String,
    },
}

impl StoreError {
    /// Whether waiting may help: the database is away or busy, not wrong.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        let transient = |error: &sqlx::Error| {
            use sqlx::Error as E;
            match error {
                E::Io(_) | E::PoolTimedOut | E::PoolClosed | E::WorkerCrashed | E::Protocol(_) => {
                    true
                }
                // Classes of PostgreSQL's appendix A: 08 connection, 40 rollback (deadlock among it), 53
                // resources, 57 operator intervention (statement timeout among it), 58 system.
                E::Database(error) => error.code().is_some_and(|code| {
                    ["08", "40", "53", "57", "58"]
                        .iter()
                        .any(|class| code.starts_with(class))
                }),
                _ => false,
            }
        };
        match self {
            Self::Database(error) | Self::Migrate(MigrateError::Execute(error)) => transient(error),
            Self::Credentials(_) => true,
            _ => false,
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        if error.is_transient() {
            tracing::warn!(%error, "the database is unavailable");
            return Self::unavailable(
                "DATABASE_UNAVAILABLE",
                "the application could not be stored or read; try again",
            );
        }
        tracing::error!(%error, "the database failed");
        Self::internal("INTERNAL", "the request failed")
    }
}

impl Store {
    /// Prepares the connections; none is made before the first is needed.
    ///
    /// # Errors
    /// When somebody is to log in by the role of the task, and nothing says where credentials come from.
    pub fn new(database: Database) -> Result<Self, StoreError> {
        let options = database
            .options
            .application_name("loan-api")
            .options([("statement_timeout", STATEMENT_TIMEOUT)]);
        let pool = Pool::new(options, database.connections)?;
        Ok(Self {
            pool,
            login: database.iam_user.map(Login::new).transpose()?,
            latency: Distribution::default(),
        })
    }

    /// The store with its metrics: latency of statements, connections in use.
    #[must_use]
    pub fn measured(self, metrics: &Metrics) -> Self {
        let pool = self.pool.clone();
        metrics.own().probe(Metric::DatabaseConnections, move || {
            f64::from(u32::try_from(pool.lent()).unwrap_or(u32::MAX))
        });
        Self {
            latency: metrics.own().distribution(Metric::DatabaseLatency),
            ..self
        }
    }

    /// Has new connections log in with something fresh, where a login does not last.
    ///
    /// # Errors
    /// When there are no credentials.
    pub async fn renew_login(&self) -> Result<(), StoreError> {
        match &self.login {
            Some(login) => Ok(login.renew(&self.pool).await?),
            None => Ok(()),
        }
    }

    /// Keeps logins fresh for ever, where they do not last.
    pub async fn keep_login(self) {
        if let Some(login) = &self.login {
            login.keep(&self.pool).await;
        }
    }

    /// Brings the tables up to date. Two replicas may do it at once: a lock in the database lets
    /// one go first. Migrations of a newer program are left alone, so that an image can be taken
    /// back.
    ///
    /// # Errors
    /// When the database cannot be reached or a migration fails.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        let mut migrations = Migrator {
            migrations: MIGRATIONS.migrations.clone(),
            ..Migrator::DEFAULT
        };
        migrations.set_ignore_missing(true);
        let mut connection = self.pool.connect().await?;
        // Neither an index on a large table nor the wait for another replica's migration is over in 2 s.
        connection.execute("SET statement_timeout = 0").await?;
        migrations.run(&mut connection).await?;
        Ok(connection.close().await?)
    }

    /// Runs a statement, and says how many rows it has changed.
    async fn execute(
        &self,
        statement: Query<'_, Postgres, PgArguments>,
    ) -> Result<u64, StoreError> {
        let done = pin!(async {
            let mut lent = self.pool.lend().await?;
            let done = statement.execute(lent.begin()).await;
            lent.ended(&done);
            done
        });
        Ok(self.timed(done).await?.rows_affected())
    }

    /// Runs a statement that answers with one row or none.
    async fn fetch<F, R>(
        &self,
        statement: Map<'_, Postgres, F, PgArguments>,
    ) -> Result<Option<R>, StoreError>
    where
        F: FnMut(PgRow) -> Result<R, sqlx::Error> + Send,
        R: Send + Unpin,
    {
        let found = pin!(async {
            let mut lent = self.pool.lend().await?;
            let found = statement.fetch_optional(lent.begin()).await;
            lent.ended(&found);
            found
        });
        self.timed(found).await
    }

    /// Takes the time of a statement, the wait for a connection included.
    async fn timed<T>(
        &self,
        statement: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, StoreError> {
        let started = Instant::now();
        let call = Call::to("database");
        let result = statement.await;
        call.ended(&result);
        self.latency.record_ms(started.elapsed());
        Ok(result?)
    }
}
