//! The password that new connections log in with, where it does not last.

use std::time::Duration;

use jiff::Timestamp;
use service_kit::aws::{Credentials, CredentialsError};

use super::{IamUser, Pool};

/// How often a token is made. One ends with the credentials that signed it, which are only sure to last five minutes
/// more when they are used: a token's own 15 minutes are no measure.
const INTERVAL: Duration = Duration::from_secs(4 * 60);
/// When a token could not be made; the last one may be good for a while.
const RETRY_INTERVAL: Duration = Duration::from_secs(10);

/// Logs in by the role of the task.
#[derive(Clone, Debug)]
pub struct Login {
    user: IamUser,
    credentials: Credentials,
}

impl Login {
    /// Logs in as `user`.
    ///
    /// # Errors
    /// When nothing says where credentials come from.
    pub fn new(user: IamUser) -> Result<Self, CredentialsError> {
        let credentials = Credentials::from_env()?;
        Ok(Self { user, credentials })
    }

    /// Has connections of `pool` that are made from now on log in with a fresh token; those that are there stay.
    ///
    /// # Errors
    /// When there are no credentials.
    pub(crate) async fn renew(&self, pool: &Pool) -> Result<(), CredentialsError> {
        let credential = self.credentials.current().await?;
        let token = self.user.token(&credential, Timestamp::now());
        pool.set_options(pool.options().password(&token));
        Ok(())
    }

    /// Keeps the token of `pool` fresh for ever.
    pub(crate) async fn keep(&self, pool: &Pool) {
        let mut wait = INTERVAL;
        loop {
            tokio::time::sleep(wait).await;
            wait = match self.renew(pool).await {
                Ok(()) => INTERVAL,
                Err(error) => {
                    tracing::warn!(%error, "no fresh token for the database");
                    RETRY_INTERVAL
                }
            };
        }
    }
}
