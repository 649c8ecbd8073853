//! Issues and verifies bearer tokens: OAuth 2.0 client credentials in, Ed25519-signed JWTs out.
//!
//! - `POST /oauth/token`: HTTP Basic client credentials for a token (RFC 6749, 4.4).
//! - `POST /verify`: whether a token is good, and whose it is; what the loan API asks.
//! - `GET /.well-known/jwks.json`: the public key, for whoever verifies by themselves.

pub mod clients;
mod guessing;
pub mod routes;
pub mod secret;
pub mod tokens;

use std::sync::Arc;

use schema::settings::AuthSettings;
use service_kit::{Application, BoxError, Context};

use clients::{Clients, ClientsError};
use secret::SecretError;
use tokens::{Issuer, KeyError};

/// What the handlers share.
pub struct Auth {
    clients: Clients,
    issuer: Issuer,
    settings: service_kit::Settings<AuthSettings>,
}

/// Why the service cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Clients or signing key are not given, or given twice.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The clients are of no use.
    #[error(transparent)]
    Clients(#[from] ClientsError),
    /// The signing key is of no use.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// Builds the service.
///
/// # Errors
/// Never; the type is what [`service_kit::run`] asks for.
pub async fn build(
    clients: Clients,
    issuer: Issuer,
    context: Context<AuthSettings>,
) -> Result<Application, BoxError> {
    let auth = Arc::new(Auth {
        clients,
        issuer,
        settings: context.settings,
    });
    Ok(Application::new(routes::routes(&auth)))
}
