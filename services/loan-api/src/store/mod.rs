//! The database: one short statement at a time, never held across a call to another service.

mod applications;
mod undecided;

use std::future::Future;
use std::time::{Duration, Instant};

use clap::Args;
use schema::signals::Metric;
use service_kit::telemetry::metrics::Distribution;
use service_kit::{Metrics, Problem};
use sqlx::PgPool;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

pub use applications::{Decided, Inserted, NewApplication, Status, StoredApplication};
pub use undecided::Undecided;

/// Longest wait for a free connection: well below the request deadline, so that a client hears of
/// an overloaded database instead of waiting for it.
const ACQUIRE_TIMEOUT: Duration = Duration::from_millis(400);
/// Longest run of a statement, ended by the database itself.
const STATEMENT_TIMEOUT: &str = "2000";
/// Connections are replaced after this time, so that a failover or a new replica is found.
const MAX_LIFETIME: Duration = Duration::from_secs(30 * 60);

static MIGRATIONS: Migrator = sqlx::migrate!();

/// Where the database is.
#[derive(Args, Clone, Debug)]
pub struct DatabaseArgs {
    /// Address of the database: `postgres://user:password@host:port/loans_db`.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: String,
    /// Connections to it at most.
    #[arg(long, env = "LOAN_DATABASE_CONNECTIONS", default_value_t = 10)]
    pub database_connections: u32,
}

/// The applications in the database.
#[derive(Clone, Debug)]
pub struct Store {
    pool: PgPool,
    latency: Distribution,
}

/// Why the database did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The address cannot be read.
    #[error("DATABASE_URL is not an address of a database: {0}")]
    Address(#[source] sqlx::Error),
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
                // Classes of PostgreSQL's appendix A: 08 connection, 53 resources, 57 operator
                // intervention (statement timeout among it), 58 system.
                E::Database(error) => error.code().is_some_and(|code| {
                    ["08", "53", "57", "58"]
                        .iter()
                        .any(|class| code.starts_with(class))
                }),
                _ => false,
            }
        };
        match self {
            Self::Database(error) | Self::Migrate(MigrateError::Execute(error)) => transient(error),
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
    /// When the address cannot be read.
    pub fn new(args: &DatabaseArgs) -> Result<Self, StoreError> {
        let options: PgConnectOptions = args.database_url.parse().map_err(StoreError::Address)?;
        let options = options
            .application_name("loan-api")
            .options([("statement_timeout", STATEMENT_TIMEOUT)]);
        let pool = PgPoolOptions::new()
            .max_connections(args.database_connections.max(1))
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .max_lifetime(MAX_LIFETIME)
            .connect_lazy_with(options);
        Ok(Self {
            pool,
            latency: Distribution::default(),
        })
    }

    /// The store with its metrics: latency of statements, connections in use.
    #[must_use]
    pub fn measured(self, metrics: &Metrics) -> Self {
        let pool = self.pool.clone();
        metrics.own().probe(Metric::DatabaseConnections, move || {
            let idle = u32::try_from(pool.num_idle()).unwrap_or(u32::MAX);
            f64::from(pool.size().saturating_sub(idle))
        });
        Self {
            latency: metrics.own().distribution(Metric::DatabaseLatency),
            ..self
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
        Ok(migrations.run(&self.pool).await?)
    }

    /// Runs one statement and takes its time, the wait for a connection included.
    async fn timed<T>(
        &self,
        statement: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, StoreError> {
        let started = Instant::now();
        let result = statement.await;
        self.latency.record_ms(started.elapsed());
        Ok(result?)
    }
}
