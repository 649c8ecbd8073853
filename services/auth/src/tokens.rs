//! Tokens: JWTs signed with Ed25519.

use std::time::Duration;

use jiff::Timestamp;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use schema::names::PlatformName;
use serde::{Deserialize, Serialize};

/// Clocks of two tasks may differ by this many seconds.
const LEEWAY_SECONDS: u64 = 5;

/// Issues and verifies tokens of one platform.
pub struct Issuer {
    issuer: String,
    audience: String,
    header: Header,
    signing_key: EncodingKey,
    verifying_key: DecodingKey,
    validation: Validation,
    jwks: JwkSet,
}

/// The signing key is not Ed25519 in PKCS#8 PEM.
#[derive(Debug, thiserror::Error)]
#[error("the signing key is not an Ed25519 key in PKCS#8 PEM: {0}")]
pub struct KeyError(#[from] jsonwebtoken::errors::Error);

/// Why a token is not good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// Signed by someone else, or changed.
    #[error("the signature is not ours")]
    Forged,
    /// For another platform.
    #[error("the token is for another platform")]
    Foreign,
    /// Not a token.
    #[error("this is not a token")]
    Malformed,
}

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Who issued it.
    pub iss: String,
    /// Whom it is for.
    pub aud: String,
    /// The client.
    pub sub: String,
    /// When it was issued, in seconds since 1970.
    pub iat: i64,
    /// When it ends, in seconds since 1970.
    pub exp: i64,
}

impl Issuer {
    /// An issuer for `platform` with the key in `pem`.
    ///
    /// # Errors
    /// When it is no Ed25519 key.
    pub fn new(platform: &PlatformName, pem: &[u8]) -> Result<Self, KeyError> {
        let signing_key = EncodingKey::from_ed_pem(pem)?;
        let mut jwk = Jwk::from_encoding_key(&signing_key, Algorithm::EdDSA)?;
        let key_id = jwk.thumbprint(ThumbprintHash::SHA256)?;
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        jwk.common.key_id = Some(key_id.clone());
        let issuer = format!("urn:loan-platform:{platform}:auth");
        let audience = format!("urn:loan-platform:{platform}:loan-api");
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.leeway = LEEWAY_SECONDS;
        validation.set_issuer(&[&issuer]);
        validation.set_audience(&[&audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        Ok(Self {
            issuer,
            audience,
            header: Header {
                kid: Some(key_id),
                ..Header::new(Algorithm::EdDSA)
            },
            verifying_key: DecodingKey::from_jwk(&jwk)?,
            signing_key,
            validation,
            jwks: JwkSet { keys: vec![jwk] },
        })
    }

    /// A token for `client`, from `now` on for `lifetime`.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn issue(
        &self,
        client: &str,
        now: Timestamp,
        lifetime: Duration,
    ) -> Result<String, jsonwebtoken::errors::Error> {
        let iat = now.as_second();
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            sub: client.to_owned(),
            iat,
            exp: iat.saturating_add_unsigned(lifetime.as_secs()),
        };
        jsonwebtoken::encode(&self.header, &claims, &self.signing_key)
    }

    /// What `token` says, when it is good now.
    ///
    /// # Errors
    /// Why it is not.
    pub fn verify(&self, token: &str) -> Result<Claims, TokenError> {
        jsonwebtoken::decode(token, &self.verifying_key, &self.validation)
            .map(|token| token.claims)
            .map_err(|error| match error.kind() {
                ErrorKind::ExpiredSignature => TokenError::Expired,
                ErrorKind::InvalidSignature => TokenError::Forged,
                ErrorKind::InvalidIssuer | ErrorKind::InvalidAudience => TokenError::Foreign,
                _ => TokenError::Malformed,
            })
    }

    /// The public key.
    #[must_use]
    pub const fn jwks(&self) -> &JwkSet {
        &self.jwks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n\
        -----END PRIVATE KEY-----\n";
    const HOUR: Duration = Duration::from_secs(3_600);

    fn issuer(platform: &str) -> Issuer {
        Issuer::new(&platform.try_into().unwrap(), KEY.as_bytes()).unwrap()
    }

    #[test]
    fn a_token_says_whose_it_is() {
        let issuer = issuer("local");
        let token = issuer.issue("demo", Timestamp::now(), HOUR).unwrap();
        let claims = issuer.verify(&token).unwrap();
        assert_eq!(claims.sub, "demo");
        assert_eq!(claims.exp - claims.iat, 3_600);
    }

    #[test]
    fn a_token_that_is_over_foreign_changed_or_none_is_refused() {
        let (local, now) = (issuer("local"), Timestamp::now());
        let yesterday = now - jiff::SignedDuration::from_hours(24);
        let good = local.issue("demo", now, HOUR).unwrap();
        let (head, _) = good.rsplit_once('.').unwrap();
        let other = local.issue("demo", yesterday, HOUR).unwrap();
        let (_, other_signature) = other.rsplit_once('.').unwrap();
        for (token, error) in [
            (other.clone(), TokenError::Expired),
            (
                issuer("dev").issue("demo", now, HOUR).unwrap(),
                TokenError::Foreign,
            ),
            (format!("{head}.{other_signature}"), TokenError::Forged),
            ("abc".to_owned(), TokenError::Malformed),
            (String::new(), TokenError::Malformed),
        ] {
            assert_eq!(local.verify(&token), Err(error), "{token}");
        }
    }

    #[test]
    fn the_published_key_has_the_id_that_tokens_name() {
        let issuer = issuer("local");
        let token = issuer.issue("demo", Timestamp::now(), HOUR).unwrap();
        let named = jsonwebtoken::decode_header(&token).unwrap().kid.unwrap();
        assert!(issuer.jwks().find(&named).is_some());
    }
}
