//! Times: between the SDK's form and the engine's, and on the borders of periods.

use aws_sdk_cloudwatch::primitives::DateTime;
use jiff::{SignedDuration, Timestamp};

/// The same time, to the millisecond: `CloudWatch` tells no finer, and on the wire it is a floating-point number.
pub(super) fn timestamp(at: &DateTime) -> Option<Timestamp> {
    let nanos = at.as_nanos();
    let ms = (nanos + 500_000).div_euclid(1_000_000);
    Timestamp::from_millisecond(i64::try_from(ms).ok()?).ok()
}

/// The same time, to the millisecond.
pub(super) fn date_time(at: Timestamp) -> DateTime {
    DateTime::from_millis(at.as_millisecond())
}

/// Start of the first period that begins at `since` or after.
pub(super) fn first_from(since: Timestamp, period_ms: u64) -> Timestamp {
    let period = i64::try_from(period_ms).unwrap_or(i64::MAX).max(1);
    let ns = since.as_nanosecond();
    let period_ns = i128::from(period) * 1_000_000;
    let over_ns = ns.rem_euclid(period_ns);
    let start_ns = if over_ns == 0 {
        ns
    } else {
        ns - over_ns + period_ns
    };
    Timestamp::from_nanosecond(start_ns).unwrap_or(Timestamp::MAX)
}

/// End of the period that begins at `start`.
pub(super) fn end(start: Timestamp, period_ms: u64) -> Timestamp {
    let period = SignedDuration::from_millis(i64::try_from(period_ms).unwrap_or(i64::MAX));
    start.checked_add(period).unwrap_or(Timestamp::MAX)
}

/// So much earlier.
pub(super) fn before(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_sub(by).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_floating_point_number_blurs_is_rounded_off() {
        for nanos in [122_999_906, 123_000_000, 123_000_144] {
            let at = timestamp(&DateTime::from_secs_and_nanos(1_800_000_000, nanos));
            assert_eq!(
                at,
                Timestamp::from_millisecond(1_800_000_000_123).ok(),
                "{nanos}"
            );
        }
    }
}
