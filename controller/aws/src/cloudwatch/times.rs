//! Times, between the SDK's form and the engine's.

use aws_sdk_cloudwatch::primitives::DateTime;
use jiff::Timestamp;

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
