//! Why a line was refused.

use jiff::Timestamp;

use super::MAX_LINE_BYTES;

/// A line that breaks EMF's rules.
#[derive(Debug, thiserror::Error)]
pub enum EmfError {
    /// It is longer than [`MAX_LINE_BYTES`].
    #[error("an EMF line may have {MAX_LINE_BYTES} bytes; this one has {bytes}")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// It is not a JSON object.
    #[error("an EMF line is a JSON object")]
    NotJson(#[source] serde_json::Error),
    /// It has no `_aws` member.
    #[error("an EMF line has an `_aws` member")]
    NotEmf,
    /// Its `_aws` member has another shape than the specification's.
    #[error("`_aws` is not what the specification asks for")]
    Metadata(#[source] serde_json::Error),
    /// Its timestamp is too far from now.
    #[error(
        "timestamp {timestamp_ms} is more than two hours ahead of, or two weeks behind, {received_at}"
    )]
    Timestamp {
        /// The timestamp, milliseconds since the epoch.
        timestamp_ms: i64,
        /// When the line came.
        received_at: Timestamp,
    },
    /// There is more of something than allowed.
    #[error("{found} {what}, but {limit} are allowed")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// How much there is.
        found: usize,
        /// How much there may be.
        limit: usize,
    },
    /// A name or a dimension's value is empty or too long.
    #[error("{what} `{name}` is empty or longer than {limit} characters")]
    Name {
        /// What it names.
        what: &'static str,
        /// Its first characters.
        name: String,
        /// Characters it may have.
        limit: usize,
    },
    /// A dimension or metric is named that the line has no such member for.
    #[error("`{name}` is named as a {what}, but the line has no {shape} of that name")]
    Target {
        /// `metric` or `dimension`.
        what: &'static str,
        /// Its name.
        name: String,
        /// What the member must be.
        shape: &'static str,
    },
    /// A storage resolution that CloudWatch does not have.
    #[error("storage resolution of `{name}` is {found}; it may be 1 or 60")]
    StorageResolution {
        /// The metric.
        name: String,
        /// What was asked for.
        found: u32,
    },
}
