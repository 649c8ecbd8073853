//! Registered clients, and whether a secret is a client's.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use serde::Deserialize;
use tokio::sync::Semaphore;

use crate::guessing::Guessing;
use crate::secret::{Secret, SecretError};

/// Longest wait for a free place to verify in: past it the client should come back later.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(2);
/// Verifications that wait for a place or have one; more are told to come back.
const UNDER_WAY: usize = 64;
/// Under which name clients that there are not are counted: as many as somebody makes up.
const NOBODY: &str = "";

/// The clients that may have tokens.
#[derive(Debug)]
pub struct Clients {
    hashes: BTreeMap<String, Arc<str>>,
    /// Verified against for an unknown client, so that it takes as long as a known one.
    nobody: Arc<str>,
    /// Verification is slow and takes memory by design: half of the cores are for it, and the others answer whether
    /// tokens are good, which every application waits for.
    places: Arc<Semaphore>,
    under_way: Semaphore,
    guessing: Guessing,
}

/// Why the clients cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ClientsError {
    /// They cannot be read.
    #[error(transparent)]
    Read(#[from] SecretError),
    /// They are no list of clients. What was found instead is not said: it may be a secret.
    #[error(
        "{place} is not a JSON list of {{\"id\", \"secretHash\"}}: wrong at line {line} column {column}"
    )]
    Parse {
        /// Where they come from.
        place: String,
        /// Line of the mistake, from 1.
        line: usize,
        /// Column of the mistake, from 1.
        column: usize,
    },
    /// A client's hash is not an argon2 PHC string.
    #[error("client `{id}` has no argon2 hash: {source}")]
    Hash {
        /// The client.
        id: String,
        /// What the parser says.
        source: argon2::password_hash::phc::Error,
    },
    /// The same client twice.
    #[error("client `{0}` is listed twice")]
    Twice(String),
    /// No random numbers, or no memory.
    #[error("a hash cannot be made: {0}")]
    Unhashable(argon2::password_hash::Error),
}

/// Why a secret was not verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// Unknown client or wrong secret; which of them is not told.
    #[error("unknown client or wrong secret")]
    Denied,
    /// Too many verifications at once.
    #[error("too many verifications at once")]
    Busy,
    /// Denied too often in a row.
    #[error("denied too often; wait before the next attempt")]
    Paused {
        /// How long.
        retry_after: Duration,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Client {
    id: String,
    secret_hash: String,
}

impl Clients {
    /// Reads the clients that `secret` lists.
    ///
    /// # Errors
    /// When it cannot be read, is no list of clients, or has a hash that cannot be verified against.
    pub fn read(secret: &Secret) -> Result<Self, ClientsError> {
        let text = secret.read()?;
        let clients: Vec<Client> =
            serde_json::from_slice(&text).map_err(|error| ClientsError::Parse {
                place: secret.to_string(),
                line: error.line(),
                column: error.column(),
            })?;
        Self::new(clients)
    }

    fn new(clients: Vec<Client>) -> Result<Self, ClientsError> {
        let mut hashes = BTreeMap::new();
        for Client { id, secret_hash } in clients {
            if let Err(source) = PasswordHash::new(&secret_hash) {
                return Err(ClientsError::Hash { id, source });
            }
            if hashes.insert(id.clone(), secret_hash.into()).is_some() {
                return Err(ClientsError::Twice(id));
            }
        }
        let nobody = Argon2::default()
            .hash_password(b"the secret of nobody")
            .map_err(ClientsError::Unhashable)?;
        let cores = available_parallelism().map_or(1, std::num::NonZero::get);
        Ok(Self {
            hashes,
            nobody: nobody.to_string().into(),
            places: Arc::new(Semaphore::new((cores / 2).max(1))),
            under_way: Semaphore::new(UNDER_WAY),
            guessing: Guessing::default(),
        })
    }

    /// Whether there is a client `id`.
    #[must_use]
    pub fn has(&self, id: &str) -> bool {
        self.hashes.contains_key(id)
    }

    /// Verifies that `secret` is the secret of client `id`.
    ///
    /// # Errors
    /// [`VerifyError::Denied`] when it is not, [`VerifyError::Busy`] when no place was free in time,
    /// [`VerifyError::Paused`] after too many denials in a row.
    pub async fn verify(&self, id: &str, secret: String) -> Result<(), VerifyError> {
        let counted_as = if self.has(id) { id } else { NOBODY };
        self.guessing
            .admit(counted_as, &secret, Instant::now())
            .map_err(|retry_after| VerifyError::Paused { retry_after })?;
        let verified = self.compare(id, secret.clone()).await;
        match verified {
            Ok(()) => self.guessing.verified(counted_as, &secret),
            Err(VerifyError::Denied) => self.guessing.denied(counted_as, Instant::now()),
            Err(_) => {}
        }
        verified
    }

    async fn compare(&self, id: &str, secret: String) -> Result<(), VerifyError> {
        let Ok(_under_way) = self.under_way.try_acquire() else {
            return Err(VerifyError::Busy);
        };
        let known = self.hashes.get(id);
        let hash = Arc::clone(known.unwrap_or(&self.nobody));
        let place = Arc::clone(&self.places).acquire_owned();
        let Ok(Ok(place)) = tokio::time::timeout(QUEUE_TIMEOUT, place).await else {
            return Err(VerifyError::Busy);
        };
        let verified = tokio::task::spawn_blocking(move || {
            let verified = Argon2::default().verify_password(secret.as_bytes(), &*hash);
            drop(place);
            verified.is_ok()
        });
        match verified.await {
            Ok(true) if known.is_some() => Ok(()),
            Ok(_) => Err(VerifyError::Denied),
            Err(error) => {
                tracing::error!(%error, "a verification was not finished");
                Err(VerifyError::Busy)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clients(hash: &str) -> Result<Clients, ClientsError> {
        Clients::new(vec![Client {
            id: "demo".to_owned(),
            secret_hash: hash.to_owned(),
        }])
    }

    #[tokio::test]
    async fn only_the_right_secret_of_a_known_client_is_verified() {
        let hash = Argon2::default().hash_password(b"demo-secret").unwrap();
        let clients = clients(&hash.to_string()).unwrap();
        let denied = Err(VerifyError::Denied);
        for (id, secret, verified) in [
            ("demo", "demo-secret", Ok(())),
            ("demo", "other", denied),
            ("nobody", "demo-secret", denied),
            ("nobody", "the secret of nobody", denied),
        ] {
            let found = clients.verify(id, secret.to_owned()).await;
            assert_eq!(found, verified, "{id} {secret}");
        }
    }

    #[test]
    fn what_is_no_list_of_clients_is_told_by_its_place_and_not_shown() {
        let text = "[\n{\"id\": \"demo\", \"secret\": \"demo-secret\"}]";
        let secret = Secret::one_of("LOAN_CLIENTS", None, Some(text.to_owned())).unwrap();
        let error = Clients::read(&secret).unwrap_err();
        assert_eq!(
            error.to_string(),
            "LOAN_CLIENTS is not a JSON list of {\"id\", \"secretHash\"}: wrong at line 2 column 23"
        );
        assert!(!format!("{error:?}").contains("demo-secret"));
    }

    #[test]
    fn a_client_without_an_argon2_hash_is_named() {
        let error = clients("demo-secret").unwrap_err();
        assert!(error.to_string().contains("client `demo`"), "{error}");
    }
}
