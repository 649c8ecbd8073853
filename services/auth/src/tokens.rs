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

/// Most keys known at once: the one that signs, one that signed before, one that is to sign next, and one to spare.
const MAX_KEYS: usize = 4;

/// Issues and verifies tokens of one platform.
///
/// Of several keys the first signs, and tokens signed with any of them are good. That is how a key is replaced
/// without a token being refused: see the README of this service.
pub struct Issuer {
    issuer: String,
    audience: String,
    header: Header,
    signing_key: EncodingKey,
    verifying_keys: Vec<(String, DecodingKey)>,
    validation: Validation,
    jwks: JwkSet,
}

/// The signing keys are of no use.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Not PEM at all.
    #[error("the signing keys are not PEM: {0}")]
    Pem(#[from] pem::PemError),
    /// None, or too many.
    #[error("there are {found} signing keys; give 1 to {MAX_KEYS}")]
    Count {
        /// How many there are.
        found: usize,
    },
    /// One is of another kind.
    #[error("signing key {number} is not an Ed25519 key in PKCS#8 PEM: {source}")]
    Kind {
        /// Which, from 1.
        number: usize,
        /// What is wrong with it.
        source: jsonwebtoken::errors::Error,
    },
    /// One is there twice.
    #[error("signing key {number} is there twice")]
    Twice {
        /// Which, from 1.
        number: usize,
    },
}

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
    /// An issuer for `platform` with the keys in `pem`, one after another.
    ///
    /// # Errors
    /// When there is none or more than four, or one is no Ed25519 key.
    pub fn new(platform: &PlatformName, pem: &[u8]) -> Result<Self, KeyError> {
        let keys = Keys::read(pem)?;
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
                kid: keys.verifying.first().map(|(id, _)| id.clone()),
                ..Header::new(Algorithm::EdDSA)
            },
            signing_key: keys.signing,
            verifying_keys: keys.verifying,
            validation,
            jwks: JwkSet { keys: keys.public },
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
        let key = self.key_of(token)?;
        jsonwebtoken::decode(token, key, &self.validation)
            .map(|token| token.claims)
            .map_err(|error| match error.kind() {
                ErrorKind::ExpiredSignature => TokenError::Expired,
                ErrorKind::InvalidSignature => TokenError::Forged,
                ErrorKind::InvalidIssuer | ErrorKind::InvalidAudience => TokenError::Foreign,
                _ => TokenError::Malformed,
            })
    }

    fn key_of(&self, token: &str) -> Result<&DecodingKey, TokenError> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| TokenError::Malformed)?;
        let mut keys = self.verifying_keys.iter();
        let named = keys.find(|(id, _)| header.kid.as_ref() == Some(id));
        named.map(|(_, key)| key).ok_or(TokenError::Forged)
    }

    /// The public keys.
    #[must_use]
    pub const fn jwks(&self) -> &JwkSet {
        &self.jwks
    }
}

/// Keys as read; the first signs.
struct Keys {
    signing: EncodingKey,
    verifying: Vec<(String, DecodingKey)>,
    public: Vec<Jwk>,
}

impl Keys {
    fn read(pem: &[u8]) -> Result<Self, KeyError> {
        let blocks = pem::parse_many(pem)?;
        let found = blocks.len();
        let count = || KeyError::Count { found };
        if found > MAX_KEYS {
            return Err(count());
        }
        let (mut signing, mut verifying, mut public) = (None, Vec::new(), Vec::<Jwk>::new());
        for (index, block) in blocks.iter().enumerate() {
            let number = index + 1;
            let kind = |source| KeyError::Kind { number, source };
            let private = EncodingKey::from_ed_pem(pem::encode(block).as_bytes()).map_err(kind)?;
            let (id, jwk) = published(&private).map_err(kind)?;
            if verifying.iter().any(|(known, _)| *known == id) {
                return Err(KeyError::Twice { number });
            }
            verifying.push((id, DecodingKey::from_jwk(&jwk).map_err(kind)?));
            public.push(jwk);
            signing.get_or_insert(private);
        }
        Ok(Self {
            signing: signing.ok_or_else(count)?,
            verifying,
            public,
        })
    }
}

/// The public half of a key and its id, the thumbprint of RFC 7638.
fn published(key: &EncodingKey) -> Result<(String, Jwk), jsonwebtoken::errors::Error> {
    let mut jwk = Jwk::from_encoding_key(key, Algorithm::EdDSA)?;
    let id = jwk.thumbprint(ThumbprintHash::SHA256)?;
    jwk.common.public_key_use = Some(PublicKeyUse::Signature);
    jwk.common.key_id = Some(id.clone());
    Ok((id, jwk))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n\
        -----END PRIVATE KEY-----\n";
    const NEXT_KEY: &str = "-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VwBCIEIFsD5XGOE/xCKs7voE/Q+2+/Onok3miKff7MJ1QeBs9X\n\
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
    fn a_key_is_replaced_without_a_token_being_refused() {
        let platform = "local".try_into().unwrap();
        let with = |keys: &[&str]| Issuer::new(&platform, keys.concat().as_bytes()).unwrap();
        // What tasks know, one deployment after another; in each, tasks of two neighbours run side by side.
        let stages = [
            with(&[KEY]),
            with(&[KEY, NEXT_KEY]),
            with(&[NEXT_KEY, KEY]),
            with(&[NEXT_KEY]),
        ];
        for (before, after) in stages.iter().zip(&stages[1..]) {
            for (signs, reads) in [(before, after), (after, before)] {
                let token = signs.issue("demo", Timestamp::now(), HOUR).unwrap();
                assert!(reads.verify(&token).is_ok());
            }
        }
        let old = stages[0].issue("demo", Timestamp::now(), HOUR).unwrap();
        assert_eq!(stages[3].verify(&old), Err(TokenError::Forged));
        assert_eq!(stages[2].jwks().keys.len(), 2);
    }

    #[test]
    fn keys_that_are_of_no_use_are_refused_by_their_number() {
        let platform = "local".try_into().unwrap();
        let error = |pem: &str| {
            let error = Issuer::new(&platform, pem.as_bytes()).err();
            error.unwrap().to_string()
        };
        let other = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        assert_eq!(error(""), "there are 0 signing keys; give 1 to 4");
        assert_eq!(
            error(&KEY.repeat(5)),
            "there are 5 signing keys; give 1 to 4"
        );
        assert_eq!(error(&KEY.repeat(2)), "signing key 2 is there twice");
        let said = error(&[KEY, other].concat());
        assert!(
            said.starts_with("signing key 2 is not an Ed25519 key"),
            "{said}"
        );
    }

    #[test]
    fn the_published_key_has_the_id_that_tokens_name() {
        let issuer = issuer("local");
        let token = issuer.issue("demo", Timestamp::now(), HOUR).unwrap();
        let named = jsonwebtoken::decode_header(&token).unwrap().kid.unwrap();
        assert!(issuer.jwks().find(&named).is_some());
    }
}
