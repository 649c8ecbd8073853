//! Ages as Kubernetes writes them.

use jiff::Timestamp;

/// What stands where a time is not known.
pub(super) const UNKNOWN: &str = "<unknown>";

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const YEAR: i64 = 365 * DAY;

/// How long `then` was before `now`: the nearer, the finer.
///
/// The steps are those of `HumanDuration` in Kubernetes's `apimachinery/pkg/util/duration`.
pub(super) fn between(then: Timestamp, now: Timestamp) -> String {
    // Clocks may differ a little.
    match now.as_second().saturating_sub(then.as_second()) {
        ..-1 => "<invalid>".to_owned(),
        seconds @ ..120 => format!("{}s", seconds.max(0)),
        seconds if seconds < 10 * MINUTE => with_rest(seconds, (MINUTE, "m"), (1, "s")),
        seconds if seconds < 3 * HOUR => format!("{}m", seconds / MINUTE),
        seconds if seconds < 8 * HOUR => with_rest(seconds, (HOUR, "h"), (MINUTE, "m")),
        seconds if seconds < 2 * DAY => format!("{}h", seconds / HOUR),
        seconds if seconds < 8 * DAY => with_rest(seconds, (DAY, "d"), (HOUR, "h")),
        seconds if seconds < 2 * YEAR => format!("{}d", seconds / DAY),
        seconds if seconds < 8 * YEAR => with_rest(seconds, (YEAR, "y"), (DAY, "d")),
        seconds => format!("{}y", seconds / YEAR),
    }
}

/// In the greater unit, and what is left of it in the smaller one.
fn with_rest(seconds: i64, (great, name): (i64, &str), (small, small_name): (i64, &str)) -> String {
    match seconds % great / small {
        0 => format!("{}{name}", seconds / great),
        rest => format!("{}{name}{rest}{small_name}", seconds / great),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearer_the_finer() {
        for (seconds, written) in [
            (-5, "<invalid>"),
            (-1, "0s"),
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (125, "2m5s"),
            (11 * MINUTE + 5, "11m"),
            (179 * MINUTE, "179m"),
            (3 * HOUR, "3h"),
            (3 * HOUR + 5 * MINUTE, "3h5m"),
            (47 * HOUR, "47h"),
            (2 * DAY, "2d"),
            (2 * DAY + 3 * HOUR, "2d3h"),
            (100 * DAY, "100d"),
            (2 * YEAR + 3 * DAY, "2y3d"),
            (9 * YEAR, "9y"),
        ] {
            let now = Timestamp::from_second(20 * YEAR).unwrap();
            let then = Timestamp::from_second(20 * YEAR - seconds).unwrap();
            assert_eq!(between(then, now), written);
        }
    }
}
