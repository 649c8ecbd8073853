//! Registered clients, and whether a secret is a client's.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use serde::Deserialize;
use tokio::sync::Semaphore;

/// Longest wait for a free place to verify in: past it the client should come back later.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(2);

/// The clients that may have tokens.
#[derive(Debug)]
pub struct Clients {
    hashes: BTreeMap<String, Arc<str>>,
    /// Verified against for an unknown client, so that it takes as long as a known one.
    nobody: Arc<str>,
    /// Verification is slow and takes memory by design: no more at once than there are cores.
    places: Arc<Semaphore>,
}

/// Why the clients cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ClientsError {
    /// The file cannot be read.
    #[error("clients cannot be read from {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is no list of clients.
    #[error("{} is not a list of clients: {source}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// What the parser says.
        source: serde_json::Error,
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
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Client {
    id: String,
    secret_hash: String,
}

impl Clients {
    /// Reads the clients in `path`.
    ///
    /// # Errors
    /// When the file is missing, no list of clients, or has a hash that cannot be verified against.
    pub fn read(path: &Path) -> Result<Self, ClientsError> {
        let text = std::fs::read(path).map_err(|source| ClientsError::Read {
            path: path.to_owned(),
            source,
        })?;
        let clients: Vec<Client> =
            serde_json::from_slice(&text).map_err(|source| ClientsError::Parse {
                path: path.to_owned(),
                source,
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
        let places = available_parallelism().map_or(1, std::num::NonZero::get);
        Ok(Self {
            hashes,
            nobody: nobody.to_string().into(),
            places: Arc::new(Semaphore::new(places)),
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
    /// [`VerifyError::Denied`] when it is not, [`VerifyError::Busy`] when no place was free in time.
    pub async fn verify(&self, id: &str, secret: String) -> Result<(), VerifyError> {
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
    fn a_client_without_an_argon2_hash_is_named() {
        let error = clients("demo-secret").unwrap_err();
        assert!(error.to_string().contains("client `demo`"), "{error}");
    }
}
