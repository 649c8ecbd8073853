//! Names of alarms: `LoanPlatform/PLATFORM/ALARM`.

use schema::names::PlatformName;
use schema::platform::AlarmName;

/// What the names of all alarms of the controller begin with. Whatever else is in the account is somebody
/// else's.
pub(crate) const PREFIX: &str = "LoanPlatform/";

/// Longest name of an alarm within its platform. Source: `schema::platform::AlarmName`.
const MAX_NAME_CHARS: usize = 100;

/// An alarm's name in CloudWatch, 255 characters at most.
pub(super) fn in_cloudwatch(platform: &PlatformName, name: &AlarmName) -> String {
    format!("{PREFIX}{platform}/{name}")
}

/// The platform and the alarm that a name in CloudWatch stands for. Nothing where no spec could name such an
/// alarm: then it is not the controller's, and it is left alone.
pub(crate) fn of_cloudwatch(full: &str) -> Option<(PlatformName, AlarmName)> {
    let (platform, name) = full.strip_prefix(PREFIX)?.split_once('/')?;
    let platform = PlatformName::try_from(platform).ok()?;
    is_alarm_name(name).then(|| (platform, AlarmName(name.to_owned())))
}

fn is_alarm_name(name: &str) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.len() <= MAX_NAME_CHARS
        && name.chars().all(legal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_written_and_read() {
        let platform = PlatformName::try_from("local").unwrap();
        let name = AlarmName("scoring-failures_2.0".to_owned());
        let full = in_cloudwatch(&platform, &name);
        assert_eq!(full, "LoanPlatform/local/scoring-failures_2.0");
        assert_eq!(of_cloudwatch(&full), Some((platform, name)));
    }

    #[test]
    fn the_longest_name_fits_cloudwatch() {
        let platform = PlatformName::try_from("p".repeat(40)).unwrap();
        let full = in_cloudwatch(&platform, &AlarmName("a".repeat(100)));
        assert!(full.len() <= 255);
        assert!(of_cloudwatch(&full).is_some());
    }

    #[test]
    fn names_that_no_spec_could_have_are_somebody_elses() {
        for name in [
            "",
            "LoanPlatform/",
            "LoanPlatform/local",
            "LoanPlatform/local/",
            "LoanPlatform/Local/a",
            "LoanPlatform/local/a/b",
            "LoanPlatform/local/my alarm",
            "LoanPlatform/local/-a",
            "loanplatform/local/a",
            "TargetTracking-table/local/a",
        ] {
            assert_eq!(of_cloudwatch(name), None, "{name}");
        }
    }
}
