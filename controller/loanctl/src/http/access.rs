//! Who may read the port: everybody on this machine, or whoever has the token.
#![cfg_attr(
    not(feature = "aws"),
    expect(dead_code, reason = "on one machine everybody on it may read")
)]

use std::net::{IpAddr, SocketAddr};

use http::{StatusCode, header};
use schema::revision::digest_of;
use service_kit::Problem;

use super::asked::Asked;
use crate::exit::UsageError;

/// Shortest token: 128 bits of a random one, in base64.
const SHORTEST_TOKEN: usize = 22;

/// The name under which a browser reaches this machine, beside its addresses. A page of another site that has its own name resolve to this
/// machine is refused by it.
const LOOPBACK_NAME: &str = "localhost";

/// Who may read the port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Whoever asks from this machine.
    Loopback,
    /// Whoever shows the token with this digest: the time that comparing digests takes says nothing of the token.
    Token(String),
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    /// It shows no token, or another one.
    #[error("show the controller's token: Authorization: Bearer TOKEN")]
    NoToken,
    /// It was sent to a name that is not this machine's.
    #[error("ask for localhost or 127.0.0.1: this controller serves its own machine only")]
    ForeignName,
}

impl Access {
    /// The access to a port at `address`: without a token nobody but this machine may read it.
    ///
    /// # Errors
    /// When other machines would reach the port and there is no token, and for a token that can be guessed.
    pub(crate) fn to(address: SocketAddr, token: Option<&str>) -> Result<Self, UsageError> {
        match token {
            Some(token) if token.len() < SHORTEST_TOKEN => Err(UsageError(format!(
                "the token is too short: it needs {SHORTEST_TOKEN} characters at least, as `openssl rand -base64 24` gives"
            ))),
            Some(token) => Ok(Self::Token(digest_of(&token))),
            None if address.ip().is_loopback() => Ok(Self::Loopback),
            None => Err(UsageError(format!(
                "--listen {address} would show every platform to the network: give LOAN_TOKEN a token that readers must \
                 show, or listen on 127.0.0.1 behind a proxy that asks who they are"
            ))),
        }
    }

    pub(super) fn permits(&self, asked: &Asked) -> Result<(), Refusal> {
        match self {
            Self::Loopback => {
                if !asked.headers.contains_key(header::HOST) {
                    // No browser leaves it out.
                    return Ok(());
                }
                let host = asked.header(header::HOST).unwrap_or_default();
                let name = host.rsplit_once(':').map_or(host, |(name, port)| {
                    if port.bytes().all(|byte| byte.is_ascii_digit()) {
                        name
                    } else {
                        host
                    }
                });
                let address = name.trim_start_matches('[').trim_end_matches(']');
                let is_loopback = address.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
                let is_ours = name == LOOPBACK_NAME || is_loopback;
                is_ours.then_some(()).ok_or(Refusal::ForeignName)
            }
            Self::Token(digest) => {
                let shown = asked.header(header::AUTHORIZATION);
                let token = shown.and_then(|shown| shown.strip_prefix("Bearer "));
                let is_right = token.is_some_and(|token| digest_of(&token) == *digest);
                is_right.then_some(()).ok_or(Refusal::NoToken)
            }
        }
    }
}

impl Refusal {
    pub(super) const fn status(self) -> StatusCode {
        match self {
            Self::NoToken => StatusCode::UNAUTHORIZED,
            Self::ForeignName => StatusCode::FORBIDDEN,
        }
    }

    pub(super) fn into_problem(self) -> Problem {
        match self {
            Self::NoToken => Problem::unauthorized("NO_TOKEN", self.to_string()),
            Self::ForeignName => Problem::new(self.status(), "FOREIGN_NAME", self.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "a-token-that-nobody-guesses";

    fn asked(name: header::HeaderName, value: &str) -> Asked {
        let mut asked = Asked::get("/metrics");
        asked.headers.insert(name, value.parse().unwrap());
        asked
    }

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn other_machines_are_served_only_with_a_token() {
        let error = Access::to(address("0.0.0.0:9090"), None).unwrap_err();
        assert!(error.to_string().contains("LOAN_TOKEN"), "{error}");
        assert!(Access::to(address("0.0.0.0:9090"), Some(TOKEN)).is_ok());
        assert!(Access::to(address("0.0.0.0:9090"), Some("secret")).is_err());
        for own in ["127.0.0.1:9090", "[::1]:9090"] {
            assert_eq!(Access::to(address(own), None).unwrap(), Access::Loopback);
        }
    }

    #[test]
    fn only_the_token_opens_a_port_that_has_one() {
        let access = Access::to(address("0.0.0.0:9090"), Some(TOKEN)).unwrap();
        let shown = format!("Bearer {TOKEN}");
        assert!(
            access
                .permits(&asked(header::AUTHORIZATION, &shown))
                .is_ok()
        );
        for wrong in ["Bearer other", "", TOKEN] {
            let refusal = access.permits(&asked(header::AUTHORIZATION, wrong));
            assert_eq!(refusal, Err(Refusal::NoToken), "{wrong}");
        }
    }

    #[test]
    fn a_name_of_another_site_that_leads_to_this_machine_is_refused() {
        for own in [
            "localhost",
            "localhost:9090",
            "127.0.0.1:9090",
            "[::1]:9090",
            "[::1]",
            "127.0.0.2:9090",
        ] {
            assert!(
                Access::Loopback.permits(&asked(header::HOST, own)).is_ok(),
                "{own}"
            );
        }
        for foreign in [
            "evil.example",
            "evil.example:9090",
            "127.0.0.1.evil.example:80",
        ] {
            let refusal = Access::Loopback.permits(&asked(header::HOST, foreign));
            assert_eq!(refusal, Err(Refusal::ForeignName), "{foreign}");
        }
    }
}
