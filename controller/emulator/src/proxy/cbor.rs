//! CBOR to JSON and back, for `CloudWatch`: the SDK speaks the one, moto the other.
//!
//! JSON has one kind of number where CBOR has three; the SDK takes only the right one. Which it is,
//! is told by the member's name, as the service's model has it.

use bytes::Bytes;
use ciborium::Value as Cbor;
use serde_json::{Map, Number, Value as Json};

/// The tag of a time as seconds since 1970 (RFC 8949, 3.4.2).
const EPOCH: u64 = 1;

/// Members that are doubles, or lists of doubles.
const DOUBLES: [&str; 13] = [
    "AggregateValue",
    "ApproximateAggregateValue",
    "ApproximateValue",
    "Average",
    "Counts",
    "MaxContributorValue",
    "Maximum",
    "Minimum",
    "SampleCount",
    "Sum",
    "Threshold",
    "UniqueContributors",
    "Values",
];

/// How members end that are times, or lists of times.
const TIMES: [&str; 10] = [
    "Timestamp",
    "Timestamps",
    "StartTime",
    "EndTime",
    "LastModified",
    "ExpireDate",
    "CreationDate",
    "LastUpdateDate",
    "CreatedAt",
    "UpdatedAt",
];

/// A body that is not CBOR, or has something in it that `CloudWatch` never takes.
#[derive(Debug, thiserror::Error)]
pub(super) enum CborError {
    #[error("the body is not CBOR: {0}")]
    Syntax(#[from] ciborium::de::Error<std::io::Error>),
    #[error("the body has a value that has no place here: {0:?}")]
    Value(Cbor),
}

/// Reads a body; an empty one has no members.
pub(super) fn decode(body: &[u8]) -> Result<Json, CborError> {
    if body.is_empty() {
        return Ok(Json::Object(Map::new()));
    }
    to_json(ciborium::from_reader(body)?)
}

/// Writes a body.
pub(super) fn encode(value: &Json) -> Bytes {
    let mut body = Vec::new();
    // Memory takes everything, and nothing here refuses to be written.
    drop(ciborium::into_writer(&to_cbor("", value), &mut body));
    body.into()
}

fn to_json(value: Cbor) -> Result<Json, CborError> {
    Ok(match value {
        Cbor::Null => Json::Null,
        Cbor::Bool(it) => it.into(),
        Cbor::Text(it) => it.into(),
        Cbor::Float(it) => Number::from_f64(it).map_or(Json::Null, Json::Number),
        Cbor::Tag(EPOCH, time) => to_json(*time)?,
        Cbor::Integer(it) => match i64::try_from(it) {
            Ok(it) => it.into(),
            Err(_) => return Err(CborError::Value(value)),
        },
        Cbor::Array(items) => items.into_iter().map(to_json).collect::<Result<_, _>>()?,
        Cbor::Map(members) => members.into_iter().map(member).collect::<Result<_, _>>()?,
        other => return Err(CborError::Value(other)),
    })
}

fn member((name, value): (Cbor, Cbor)) -> Result<(String, Json), CborError> {
    match name {
        Cbor::Text(name) => Ok((name, to_json(value)?)),
        other => Err(CborError::Value(other)),
    }
}

/// `name` is the member that the value is in, directly or as an item of a list.
fn to_cbor(name: &str, value: &Json) -> Cbor {
    match value {
        Json::Null => Cbor::Null,
        Json::Bool(it) => Cbor::Bool(*it),
        Json::String(it) => Cbor::Text(it.clone()),
        Json::Number(it) => number(name, it),
        Json::Array(items) => Cbor::Array(items.iter().map(|it| to_cbor(name, it)).collect()),
        Json::Object(members) => Cbor::Map(
            // What is not set is left out, not null.
            members
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| (Cbor::Text(name.clone()), to_cbor(name, value)))
                .collect(),
        ),
    }
}

fn number(name: &str, number: &Number) -> Cbor {
    let double = Cbor::Float(number.as_f64().unwrap_or_default());
    if TIMES.iter().any(|it| name.ends_with(it)) {
        return Cbor::Tag(EPOCH, Box::new(double));
    }
    if DOUBLES.contains(&name) {
        return double;
    }
    number
        .as_i64()
        .map_or(double, |it| Cbor::Integer(it.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_smithy_cbor::Decoder;
    use serde_json::json;

    /// The SDK's own decoder, at the value of the first member.
    fn at_value(body: &[u8]) -> Decoder<'_> {
        let mut decoder = Decoder::new(body);
        decoder.map().unwrap();
        decoder.str().unwrap();
        decoder
    }

    #[test]
    fn the_sdk_reads_whole_doubles_as_doubles_and_counts_as_integers() {
        for threshold in [json!(5), json!(5.0), json!(0.25)] {
            let body = encode(&json!({ "Threshold": threshold }));
            let read = at_value(&body).double().unwrap();
            assert_eq!(Some(read), threshold.as_f64());
        }
        let body = encode(&json!({ "Period": 60 }));
        assert_eq!(at_value(&body).integer().unwrap(), 60);
    }

    #[test]
    fn the_sdk_reads_times() {
        for time in [json!(1_795_000_000), json!(1_795_000_000.0)] {
            let body = encode(&json!({ "StateUpdatedTimestamp": time }));
            let read = at_value(&body).timestamp().unwrap();
            assert_eq!(read.secs(), 1_795_000_000);
        }
        let body = encode(&json!({ "Timestamps": [1_795_000_000.5] }));
        let mut times = at_value(&body);
        assert_eq!(times.list().unwrap(), Some(1));
        assert_eq!(times.timestamp().unwrap().subsec_nanos(), 500_000_000);
    }

    #[test]
    fn what_the_sdk_writes_is_read() {
        let mut encoder = aws_smithy_cbor::Encoder::new(Vec::new());
        let time = aws_smithy_types::DateTime::from_secs(1_795_000_000);
        encoder
            .begin_map()
            .str("AlarmName")
            .str("a")
            .str("Threshold")
            .double(5.0)
            .str("EndTime")
            .timestamp(&time)
            .str("AlarmNames")
            .array(1)
            .str("b")
            .end();
        let body = decode(&encoder.into_writer()).unwrap();
        let expected = json!({
            "AlarmName": "a", "Threshold": 5.0, "EndTime": 1_795_000_000.0, "AlarmNames": ["b"],
        });
        assert_eq!(body, expected);
    }

    #[test]
    fn an_empty_body_has_no_members() {
        assert_eq!(decode(b"").unwrap(), json!({}));
    }
}
