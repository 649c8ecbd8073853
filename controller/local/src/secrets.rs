//! Secrets of this home: made once, kept with mode 0600.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use argon2::Argon2;
use argon2::password_hash::PasswordHasher;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::Ed25519KeyPair;

use crate::error::HomeError;
use crate::state_dir::replace;

/// Client that a home on a laptop always knows.
const DEMO_CLIENT: &str = "demo";
/// Its secret: no secret at all, and only ever registered on a laptop.
const DEMO_SECRET: &str = "demo-secret";
const PRIVATE: u32 = 0o600;

/// Where the secrets lie.
#[derive(Clone, Debug)]
pub(crate) struct Secrets {
    /// Clients of auth.
    pub(crate) clients_file: PathBuf,
    /// Key that auth signs tokens with: shared by all its replicas, or one could not verify
    /// another's tokens.
    pub(crate) signing_key_file: PathBuf,
    /// Password of the private PostgreSQL.
    pub(crate) database_password: String,
}

impl Secrets {
    /// Reads the secrets, and makes those that are missing.
    pub(crate) fn ensure(folder: &Path) -> Result<Self, HomeError> {
        let clients_file = folder.join("clients.json");
        let signing_key_file = folder.join("signing-key.pem");
        let password_file = folder.join("postgres-password");
        ensure(&clients_file, demo_clients)?;
        ensure(&signing_key_file, new_signing_key)?;
        ensure(&password_file, || Ok(random_password()))?;
        let database_password = fs::read_to_string(&password_file)
            .map_err(|error| HomeError::machine("read the database password", error))?;
        Ok(Self {
            clients_file,
            signing_key_file,
            database_password: database_password.trim().to_owned(),
        })
    }
}

fn ensure(path: &Path, make: impl FnOnce() -> io::Result<String>) -> Result<(), HomeError> {
    if path.exists() {
        return Ok(());
    }
    make()
        .and_then(|content| replace(path, content.as_bytes(), PRIVATE))
        .map_err(|error| HomeError::machine(format!("make {}", path.display()), error))
}

fn demo_clients() -> io::Result<String> {
    let hash = Argon2::default()
        .hash_password(DEMO_SECRET.as_bytes())
        .map_err(io::Error::other)?
        .to_string();
    Ok(serde_json::json!([{ "id": DEMO_CLIENT, "secretHash": hash }]).to_string())
}

fn new_signing_key() -> io::Result<String> {
    let document = Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new())
        .map_err(|_| io::Error::other("no randomness for a signing key"))?;
    Ok(pem::encode(&pem::Pem::new(
        "PRIVATE KEY",
        document.as_ref(),
    )))
}

fn random_password() -> String {
    hex::encode(rand::random::<[u8; 24]>())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn secrets_are_made_once_and_only_their_owner_can_read_them() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = Secrets::ensure(folder.path()).expect("made");
        let key = fs::read_to_string(&first.signing_key_file).expect("a key");
        let second = Secrets::ensure(folder.path()).expect("read");

        assert_eq!(first.database_password, second.database_password);
        assert_eq!(
            key,
            fs::read_to_string(&second.signing_key_file).expect("a key")
        );
        assert!(key.starts_with("-----BEGIN PRIVATE KEY-----"));
        for entry in fs::read_dir(folder.path()).expect("listed") {
            let mode = entry
                .expect("entry")
                .metadata()
                .expect("metadata")
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, PRIVATE);
        }
    }
}
