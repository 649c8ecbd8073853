//! What goes over the wire: JSON 1.1 to ECS and Application Auto Scaling, RPC v2 with CBOR to CloudWatch.

use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use ciborium::Value as Cbor;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// What is asked for.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    /// `DescribeServices`.
    pub(super) name: String,
    pub(super) is_cbor: bool,
}

/// The body of an answer.
pub(super) type Reply = Result<Vec<u8>, Refusal>;

/// An error that a call is answered with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refusal {
    pub(super) code: &'static str,
    pub(super) message: &'static str,
}

impl Refusal {
    pub(super) fn throttled(operation: &Operation) -> Self {
        let code = if operation.is_cbor {
            "Throttling"
        } else {
            "ThrottlingException"
        };
        Self {
            code,
            message: "Rate exceeded",
        }
    }
}

impl Operation {
    pub(super) fn of(request: &HttpRequest) -> Self {
        let last = |text: &str, border| text.rsplit(border).next().unwrap_or_default().to_owned();
        match request.headers().get("x-amz-target") {
            Some(target) => Self {
                name: last(target, '.'),
                is_cbor: false,
            },
            None => Self {
                name: Self::of_alarms(last(request.uri(), '/'), request),
                is_cbor: true,
            },
        }
    }

    /// A listing of all alarms is counted apart from reading them by name.
    fn of_alarms(name: String, request: &HttpRequest) -> String {
        let body = request.body().bytes().unwrap_or_default();
        let by_prefix = b"AlarmNamePrefix";
        let lists =
            name == "DescribeAlarms" && body.windows(by_prefix.len()).any(|it| it == by_prefix);
        if lists {
            return format!("{name} (listing)");
        }
        name
    }
}

/// The answer, dated as AWS dates it.
pub(super) fn response(operation: &Operation, reply: Reply, now: Timestamp) -> HttpResponse {
    let (status, body) = match reply {
        Ok(body) => (200_u16, body),
        Err(refusal) => (400, refused(operation, refusal)),
    };
    let mut response = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body));
    let date = now.to_zoned(TimeZone::UTC);
    let date = date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let headers = response.headers_mut();
    headers.insert("date", date);
    if operation.is_cbor {
        headers.insert("smithy-protocol", "rpc-v2-cbor");
        headers.insert("content-type", "application/cbor");
    } else {
        headers.insert("content-type", "application/x-amz-json-1.1");
    }
    response
}

fn refused(operation: &Operation, Refusal { code, message }: Refusal) -> Vec<u8> {
    if !operation.is_cbor {
        return serde_json::json!({ "__type": code, "message": message })
            .to_string()
            .into();
    }
    let code = format!("com.amazonaws.cloudwatch#{code}");
    encoded(&map(vec![
        ("__type", code.into()),
        ("message", message.into()),
    ]))
}

/// A map of CBOR.
pub(super) fn map(members: Vec<(&str, Cbor)>) -> Cbor {
    let member = |(name, value): (&str, Cbor)| (name.into(), value);
    Cbor::Map(members.into_iter().map(member).collect())
}

/// A time of CBOR: seconds since 1970.
pub(super) fn time(at: Timestamp) -> Cbor {
    Cbor::Tag(1, Box::new(Cbor::Float(seconds(at))))
}

/// Seconds since 1970.
#[expect(clippy::cast_precision_loss, reason = "milliseconds of our times fit")]
pub(super) fn seconds(at: Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1e3
}

pub(super) fn encoded(value: &Cbor) -> Vec<u8> {
    let mut body = Vec::new();
    ciborium::into_writer(value, &mut body).unwrap();
    body
}

/// The member `name` of a map.
pub(super) fn member<'a>(map: &'a Cbor, name: &str) -> Option<&'a Cbor> {
    let mut members = map.as_map()?.iter();
    let found = members.find(|(it, _)| it.as_text() == Some(name));
    found.map(|(_, value)| value)
}

pub(super) fn text<'a>(map: &'a Cbor, name: &str) -> Option<&'a str> {
    member(map, name)?.as_text()
}

pub(super) fn whole(map: &Cbor, name: &str) -> Option<i64> {
    i64::try_from(member(map, name)?.as_integer()?).ok()
}

pub(super) fn timestamp(map: &Cbor, name: &str) -> Option<Timestamp> {
    let (_, seconds) = member(map, name)?.as_tag()?;
    let ms = match seconds {
        Cbor::Float(seconds) => milliseconds(*seconds),
        other => i64::try_from(other.as_integer()?).ok()? * 1_000,
    };
    Timestamp::from_millisecond(ms).ok()
}

#[expect(clippy::cast_possible_truncation, reason = "such a cast saturates")]
fn milliseconds(seconds: f64) -> i64 {
    (seconds * 1e3).round() as i64
}
