//! Rehearsals: whether this program could take settings, asked before anything depends on it.

use std::io::{Read, stderr, stdin};
use std::process::ExitCode;

use serde::de::DeserializeOwned;

use crate::args::is_only_argument;
use crate::settings;

/// The only argument of a rehearsal: `scoring check-settings`.
pub const CHECK_SETTINGS: &str = "check-settings";

/// Exit status that says that settings are refused: `EX_DATAERR` of BSD's `sysexits.h`.
pub const REFUSED: u8 = 65;

/// Answers a rehearsal, where this process was started for one: the settings on standard input, a JSON list,
/// are read as `S`, and nothing else happens.
///
/// Status 0 says that this program could take each of them; [`REFUSED`] that it could not, with the field
/// and the reason on standard error. Nothing where the process was started to serve.
#[must_use]
pub fn answer<S: DeserializeOwned>() -> Option<ExitCode> {
    is_only_argument(CHECK_SETTINGS).then(|| match check::<S>(stdin()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            tell(&problem);
            ExitCode::from(REFUSED)
        }
    })
}

fn check<S: DeserializeOwned>(mut input: impl Read) -> Result<(), String> {
    let mut content = Vec::new();
    input
        .read_to_end(&mut content)
        .map_err(|error| format!("standard input cannot be read: {error}"))?;
    let read = settings::parse::<Vec<S>>(&content);
    read.map(drop).map_err(|rejection| rejection.to_string())
}

fn tell(problem: &str) {
    // Whoever asked is gone when this fails.
    drop(std::io::Write::write_all(&mut stderr(), problem.as_bytes()));
}

#[cfg(test)]
mod tests {
    use schema::settings::AuthSettings;

    use super::*;

    fn checked(input: &str) -> Result<(), String> {
        check::<AuthSettings>(input.as_bytes())
    }

    #[test]
    fn settings_that_it_could_take_are_fine() {
        assert_eq!(
            checked(r#"[{"tokenLifetime": "1h"}, {"tokenLifetime": "2h"}]"#),
            Ok(())
        );
    }

    #[test]
    fn what_it_could_not_take_is_told_with_its_field() {
        let problem = checked(r#"[{"tokenLifetime": "1h"}, {"tokenLifetime": "1s"}]"#);
        assert!(problem.unwrap_err().starts_with("[1].tokenLifetime: "));
        let unknown = checked(r#"[{"tokenLifetime": "1h", "later": true}]"#);
        assert!(unknown.unwrap_err().contains("later"));
    }
}
