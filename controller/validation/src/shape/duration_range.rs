//! The keyword `x-duration-range`: JSON Schema has no range for text such as `250ms`.

use jsonschema::paths::Location;
use jsonschema::{Keyword, ValidationError};
use schema::units::parse_millis;
use serde_json::{Map, Value};

/// A range in milliseconds, both ends included.
struct DurationRange {
    min_ms: u64,
    max_ms: u64,
}

/// Reads `{"min": "1ms", "max": "30s"}`.
pub(super) fn keyword<'a>(
    _parent: &'a Map<String, Value>,
    value: &'a Value,
    _path: Location,
) -> Result<Box<dyn for<'i> Keyword<'i>>, ValidationError<'a>> {
    let end = |name: &str| {
        let text = value[name].as_str().unwrap_or_default();
        parse_millis(text).map_err(|error| ValidationError::custom(error.to_string()))
    };
    Ok(Box::new(DurationRange {
        min_ms: end("min")?,
        max_ms: end("max")?,
    }))
}

impl<'i> Keyword<'i> for DurationRange {
    fn validate(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        if self.is_valid(instance) {
            Ok(())
        } else {
            Err(ValidationError::custom("outside its range"))
        }
    }

    /// What is no duration at all is the pattern's business.
    fn is_valid(&self, instance: &'i Value) -> bool {
        instance
            .as_str()
            .and_then(|text| parse_millis(text).ok())
            .is_none_or(|ms| (self.min_ms..=self.max_ms).contains(&ms))
    }
}
