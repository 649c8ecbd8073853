//! Quantities that know their range: a value outside it cannot be held.
//!
//! The range is part of the type, so the JSON Schema, the typed parse and the documentation all
//! state the same one.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Keyword under which a duration's range stands in the JSON Schema, as `{min, max}` with units.
///
/// JSON Schema has no range for strings; `validation` checks this keyword, other validators ignore
/// it.
pub const DURATION_RANGE_KEYWORD: &str = "x-duration-range";

/// Keyword under which a pattern is put into words; editors and `validation` show it.
pub const PATTERN_HELP_KEYWORD: &str = "patternErrorMessage";

/// Shape of a written duration: a whole number and a unit.
pub const DURATION_PATTERN: &str = "^(0|[1-9][0-9]{0,8})(ms|s|m|h)$";

const MS_PER_UNIT: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Why a written duration could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Not a whole number followed by a unit.
    #[error(
        "`{found}` is not a duration: write a whole number and one of ms, s, m, h, as in 250ms"
    )]
    Malformed {
        /// The text as written.
        found: String,
    },
    /// Well formed, but outside what this field takes.
    #[error("{found} is outside {min} to {max}")]
    OutOfRange {
        /// The text as written.
        found: String,
        /// Smallest value taken.
        min: String,
        /// Largest value taken.
        max: String,
    },
}

/// A duration between `MIN_MS` and `MAX_MS` milliseconds, both included.
///
/// Written as a whole number with a unit: `250ms`, `10s`, `3m`, `24h`. It is written back in the
/// largest unit that divides it, so that equal durations have one form and one digest.
///
/// ```
/// use schema::units::Span;
/// let timeout: Span<1, 60_000> = "1500ms".parse().unwrap();
/// assert_eq!(timeout.to_string(), "1500ms");
/// assert!("61s".parse::<Span<1, 60_000>>().is_err());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span<const MIN_MS: u64, const MAX_MS: u64>(u64);

impl<const MIN_MS: u64, const MAX_MS: u64> Span<MIN_MS, MAX_MS> {
    /// The duration of `ms` milliseconds; for defaults, where a wrong value fails the build.
    #[must_use]
    pub const fn from_millis(ms: u64) -> Self {
        assert!(ms >= MIN_MS && ms <= MAX_MS, "duration outside its range");
        Self(ms)
    }

    /// Whole milliseconds.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// The same length as the standard library's type.
    #[must_use]
    pub const fn get(self) -> Duration {
        Duration::from_millis(self.0)
    }
}

/// Writes `ms` in the largest unit that divides it.
#[must_use]
pub fn format_millis(ms: u64) -> String {
    let (unit, size) = MS_PER_UNIT
        .into_iter()
        .find(|(_, size)| ms >= *size && ms.is_multiple_of(*size))
        .unwrap_or(("ms", 1));
    format!("{}{unit}", ms / size)
}

/// Reads a written duration into milliseconds.
///
/// # Errors
/// [`DurationError::Malformed`] when `text` is not a whole number with a unit.
pub fn parse_millis(text: &str) -> Result<u64, DurationError> {
    let malformed = || DurationError::Malformed {
        found: text.to_owned(),
    };
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    if number.is_empty() || (number.len() > 1 && number.starts_with('0')) {
        return Err(malformed());
    }
    let size = MS_PER_UNIT
        .into_iter()
        .find(|(name, _)| *name == unit)
        .ok_or_else(malformed)?
        .1;
    let count: u64 = number.parse().map_err(|_| malformed())?;
    count.checked_mul(size).ok_or_else(malformed)
}

impl<const MIN_MS: u64, const MAX_MS: u64> FromStr for Span<MIN_MS, MAX_MS> {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        let ms = parse_millis(text)?;
        if (MIN_MS..=MAX_MS).contains(&ms) {
            return Ok(Self(ms));
        }
        Err(DurationError::OutOfRange {
            found: text.to_owned(),
            min: format_millis(MIN_MS),
            max: format_millis(MAX_MS),
        })
    }
}

impl<const MIN_MS: u64, const MAX_MS: u64> fmt::Display for Span<MIN_MS, MAX_MS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format_millis(self.0))
    }
}

impl<const MIN_MS: u64, const MAX_MS: u64> fmt::Debug for Span<MIN_MS, MAX_MS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<const MIN_MS: u64, const MAX_MS: u64> Serialize for Span<MIN_MS, MAX_MS> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, const MIN_MS: u64, const MAX_MS: u64> Deserialize<'de> for Span<MIN_MS, MAX_MS> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl<const MIN_MS: u64, const MAX_MS: u64> JsonSchema for Span<MIN_MS, MAX_MS> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Duration_{MIN_MS}_{MAX_MS}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": DURATION_PATTERN,
            PATTERN_HELP_KEYWORD: "write a whole number and one of ms, s, m, h, as in 250ms",
            DURATION_RANGE_KEYWORD: {
                "min": format_millis(MIN_MS),
                "max": format_millis(MAX_MS),
            },
        })
    }
}

/// A whole number between `MIN` and `MAX`, both included.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Whole<const MIN: u32, const MAX: u32>(u32);

/// A share in whole percent, 0 to 100.
pub type Percent = Whole<0, 100>;

/// A whole number outside the range its field takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{found} is outside {min} to {max}")]
pub struct OutOfRange {
    found: u32,
    min: u32,
    max: u32,
}

impl<const MIN: u32, const MAX: u32> Whole<MIN, MAX> {
    /// The number `value`; for defaults, where a wrong value fails the build.
    #[must_use]
    pub const fn new(value: u32) -> Self {
        assert!(value >= MIN && value <= MAX, "number outside its range");
        Self(value)
    }

    /// The number itself.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl<const MAX: u32> Default for Whole<0, MAX> {
    fn default() -> Self {
        Self(0)
    }
}

impl<const MIN: u32, const MAX: u32> TryFrom<u32> for Whole<MIN, MAX> {
    type Error = OutOfRange;

    fn try_from(found: u32) -> Result<Self, OutOfRange> {
        if (MIN..=MAX).contains(&found) {
            return Ok(Self(found));
        }
        Err(OutOfRange {
            found,
            min: MIN,
            max: MAX,
        })
    }
}

impl<const MIN: u32, const MAX: u32> fmt::Display for Whole<MIN, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<const MIN: u32, const MAX: u32> fmt::Debug for Whole<MIN, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de, const MIN: u32, const MAX: u32> Deserialize<'de> for Whole<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u32::deserialize(deserializer)?
            .try_into()
            .map_err(de::Error::custom)
    }
}

impl<const MIN: u32, const MAX: u32> JsonSchema for Whole<MIN, MAX> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Whole_{MIN}_{MAX}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": MIN, "maximum": MAX })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Timeout = Span<1, 60_000>;

    #[test]
    fn a_duration_is_written_in_its_largest_whole_unit() {
        for (text, canonical) in [("1000ms", "1s"), ("60s", "1m"), ("1500ms", "1500ms")] {
            assert_eq!(text.parse::<Timeout>().unwrap().to_string(), canonical);
        }
    }

    #[test]
    fn a_malformed_duration_says_what_to_write() {
        for text in [
            "",
            "5",
            "ms",
            "1.5s",
            "-1s",
            "05s",
            "1d",
            "99999999999999999999h",
        ] {
            let error = text.parse::<Timeout>().unwrap_err();
            assert!(
                error.to_string().contains("whole number"),
                "{text}: {error}"
            );
        }
    }

    #[test]
    fn a_duration_out_of_range_names_the_range() {
        let error = "2m".parse::<Timeout>().unwrap_err();
        assert_eq!(error.to_string(), "2m is outside 1ms to 1m");
    }

    #[test]
    fn a_number_out_of_range_is_refused_by_the_typed_parse() {
        let error = serde_json::from_str::<Percent>("101").unwrap_err();
        assert!(error.to_string().contains("101 is outside 0 to 100"));
    }

    proptest! {
        #[test]
        fn a_duration_survives_being_written_and_read(ms in 1_u64..=60_000) {
            let written = Timeout::from_millis(ms).to_string();
            prop_assert_eq!(written.parse::<Timeout>().unwrap().as_millis(), ms);
        }
    }
}
