//! The credit policy: which score gets which rate, and how much of an income a loan may take.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::units::{PATTERN_HELP_KEYWORD, Percent, Whole};

/// The credit policy. Part of the scoring revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct Decision {
    /// Bands by falling score; a score below the last one is rejected.
    #[schemars(length(min = 1, max = 20))]
    pub bands: Vec<ScoreBand>,
    /// Largest share of the monthly income that the monthly payment may take, in percent.
    /// Default 40.
    #[serde(default = "Decision::default_max_payment_to_income")]
    pub max_payment_to_income: Percent,
}

impl Decision {
    const fn default_max_payment_to_income() -> Percent {
        Percent::new(40)
    }

    /// The band of `score`, or nothing below the last one.
    #[must_use]
    pub fn band(&self, score: u32) -> Option<&ScoreBand> {
        self.bands.iter().find(|band| score >= band.min_score.get())
    }
}

/// Scores from `minScore` up to the band above.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct ScoreBand {
    /// Name of the band, as answered and stored.
    pub risk_band: RiskBand,
    /// Lowest score in the band, 0 to 1000.
    pub min_score: Whole<0, 1_000>,
    /// Yearly interest in percent, with two decimals: `"11.90"`.
    pub interest_rate: Rate,
}

/// Name of a risk band: capital letters and underscores, as in `LOW`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct RiskBand(
    #[schemars(
        regex(pattern = "^[A-Z][A-Z_]{0,31}$"),
        extend("patternErrorMessage" = "write capital letters and underscores, as in LOW")
    )]
    pub String,
);

impl fmt::Display for RiskBand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A yearly interest rate in percent, with exactly two decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rate(Decimal);

/// Text that is not a rate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an interest rate: write percent with two decimals, as in \"11.90\"")]
pub struct RateError(String);

impl Rate {
    /// The rate in percent.
    #[must_use]
    pub const fn percent(self) -> Decimal {
        self.0
    }
}

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        let error = || RateError(text.to_owned());
        let (whole, cents) = text.split_once('.').ok_or_else(error)?;
        let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if !(1..=2).contains(&whole.len()) || cents.len() != 2 || !digits(whole) || !digits(cents) {
            return Err(error());
        }
        text.parse().map(Self).map_err(|_| error())
    }
}

impl TryFrom<String> for Rate {
    type Error = RateError;

    fn try_from(text: String) -> Result<Self, RateError> {
        text.parse()
    }
}

impl From<Rate> for String {
    fn from(rate: Rate) -> Self {
        format!("{:.2}", rate.0)
    }
}

impl JsonSchema for Rate {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Rate".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": r"^[0-9]{1,2}\.[0-9]{2}$",
            PATTERN_HELP_KEYWORD: "write percent with two decimals, in quotes, as in \"11.90\"",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> Decision {
        serde_json::from_value(serde_json::json!({ "bands": [
            { "riskBand": "LOW", "minScore": 700, "interestRate": "11.90" },
            { "riskBand": "MEDIUM", "minScore": 620, "interestRate": "17.50" },
        ]}))
        .unwrap()
    }

    #[test]
    fn a_score_falls_into_the_highest_band_it_reaches() {
        for (score, band) in [(700, Some("LOW")), (699, Some("MEDIUM")), (619, None)] {
            assert_eq!(
                policy().band(score).map(|b| b.risk_band.0.as_str()),
                band,
                "{score}"
            );
        }
    }

    #[test]
    fn a_rate_keeps_both_decimals() {
        assert_eq!(String::from("11.90".parse::<Rate>().unwrap()), "11.90");
        for text in ["11.9", "11", "1e1.00", "-1.00", "111.00", ""] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }
}
