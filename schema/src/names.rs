//! Names with rules: a platform's, and the four services'.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::units::PATTERN_HELP_KEYWORD;

/// Shape of a platform's name: what fits an S3 key, an ECS service name and a Kubernetes name.
pub const PLATFORM_NAME_PATTERN: &str = "^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$";

/// A platform's name: a lower-case letter, then letters, digits and dashes, 40 characters at most.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PlatformName(String);

/// A name that breaks the rule of [`PLATFORM_NAME_PATTERN`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a platform name: start with a lower-case letter, go on with lower-case letters, \
     digits or dashes, end without a dash, 40 characters at most"
)]
pub struct InvalidName(String);

impl PlatformName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for PlatformName {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<Self, InvalidName> {
        let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let valid = text.starts_with(|c: char| c.is_ascii_lowercase())
            && !text.ends_with('-')
            && text.len() <= 40
            && text.chars().all(legal);
        if valid {
            Ok(Self(text))
        } else {
            Err(InvalidName(text))
        }
    }
}

impl TryFrom<&str> for PlatformName {
    type Error = InvalidName;

    fn try_from(text: &str) -> Result<Self, InvalidName> {
        text.to_owned().try_into()
    }
}

impl From<PlatformName> for String {
    fn from(name: PlatformName) -> Self {
        name.0
    }
}

impl fmt::Display for PlatformName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl JsonSchema for PlatformName {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "PlatformName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": PLATFORM_NAME_PATTERN,
            "maxLength": 40,
            PATTERN_HELP_KEYWORD: "start with a lower-case letter, go on with lower-case letters, \
                                   digits or dashes, end without a dash",
        })
    }
}

/// One of the four services of a loan platform, by the name its spec section has.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub enum ServiceName {
    /// Takes applications and decides them.
    LoanApi,
    /// Issues and verifies bearer tokens.
    Auth,
    /// Asks the score provider, with retries and a breaker.
    Scoring,
    /// Stand-in for the third party that scores applicants.
    ScoreProvider,
}

impl ServiceName {
    /// Every service, in the order in which a platform depends on them: the last needs the others.
    pub const ALL: [Self; 4] = [
        Self::ScoreProvider,
        Self::Auth,
        Self::Scoring,
        Self::LoanApi,
    ];

    /// The name in documents, host names, images and metrics: `loan-api`.
    #[must_use]
    pub const fn kebab(self) -> &'static str {
        match self {
            Self::LoanApi => "loan-api",
            Self::Auth => "auth",
            Self::Scoring => "scoring",
            Self::ScoreProvider => "score-provider",
        }
    }

    /// The name of its section in a spec: `loanApi`.
    #[must_use]
    pub const fn spec_key(self) -> &'static str {
        match self {
            Self::LoanApi => "loanApi",
            Self::Auth => "auth",
            Self::Scoring => "scoring",
            Self::ScoreProvider => "scoreProvider",
        }
    }

    /// The TCP port it serves on under its own host name, in every home.
    #[must_use]
    pub const fn port(self) -> u16 {
        match self {
            Self::LoanApi => 8081,
            Self::Auth => 8082,
            Self::Scoring => 8083,
            Self::ScoreProvider => 8084,
        }
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kebab())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platform_names_follow_the_kubernetes_rule() {
        for name in ["a", "local", "eu-1", "production"] {
            assert!(PlatformName::try_from(name).is_ok(), "{name}");
        }
        for name in [
            "",
            "1a",
            "-a",
            "a-",
            "Local",
            "a_b",
            "a.b",
            "<script>",
            &"a".repeat(41),
        ] {
            assert!(PlatformName::try_from(name).is_err(), "{name}");
        }
    }
}
