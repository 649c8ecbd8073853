//! Rehearsals: a program is asked whether it could take settings, before anything depends on it.

use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use engine::ports::{PortError, Rehearsal, Rehearsed};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::timeout;

use super::environment;

/// The argument with which a program is asked.
const CHECK_SETTINGS: &str = "check-settings";
/// Exit status with which it refuses: `EX_DATAERR` of BSD's `sysexits.h`.
const REFUSED: i32 = 65;
/// Longest time that an answer may take. A program that gives none was not made to be asked.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether there is a program for the image, and whether it could take the settings. One that cannot be
/// asked, because it does not know the question, is found out by starting it.
///
/// # Errors
/// When the program cannot be run for now.
pub(super) async fn rehearse(
    rehearsal: &Rehearsal,
    programs: &Path,
) -> Result<Rehearsed, PortError> {
    let image = &rehearsal.template.image;
    let program = match environment::program_of(image, programs) {
        Ok(program) => program,
        Err(missing) => return Ok(unsound(missing.to_string())),
    };
    let settings = serde_json::to_vec(&rehearsal.settings)
        .map_err(|error| PortError::unavailable(format!("ask {image}"), error))?;
    match timeout(PATIENCE, ask(&program, &settings)).await {
        Ok(Ok(answer)) if answer.status.code() == Some(REFUSED) => {
            let reason = String::from_utf8_lossy(&answer.stderr);
            Ok(unsound(format!(
                "it cannot take the settings: {}",
                reason.trim()
            )))
        }
        Ok(Ok(_)) | Err(_) => Ok(Rehearsed::Sound),
        Ok(Err(error)) => Ok(unsound(format!("it cannot be run: {error}"))),
    }
}

const fn unsound(reason: String) -> Rehearsed {
    Rehearsed::Unsound { reason }
}

async fn ask(program: &Path, settings: &[u8]) -> std::io::Result<Output> {
    let mut asked = Command::new(program)
        .arg(CHECK_SETTINGS)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    if let Some(mut input) = asked.stdin.take() {
        // One that does not listen ends without reading; its status tells.
        drop(input.write_all(settings).await);
    }
    asked.wait_with_output().await
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use engine::ports::TaskTemplate;
    use schema::names::ServiceName;
    use schema::platform::Image;
    use schema::settings::{AuthSettings, ServiceSettings};

    use super::*;

    async fn answered(script: &str) -> Rehearsed {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("scoring");
        fs::write(&program, script).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        rehearse(&rehearsal(), folder.path()).await.unwrap()
    }

    fn rehearsal() -> Rehearsal {
        let settings: AuthSettings = serde_json::from_str(r#"{"tokenLifetime": "1h"}"#).unwrap();
        Rehearsal {
            platform: "local".try_into().unwrap(),
            service: ServiceName::Scoring,
            template: TaskTemplate {
                image: Image("scoring:2".to_owned()),
                cpu: 256,
                memory: 512,
            },
            settings: vec![ServiceSettings::Auth(settings)],
        }
    }

    #[tokio::test]
    async fn a_program_that_takes_the_settings_is_sound() {
        let script = "#!/bin/sh\ntest \"$1\" = check-settings && grep -q tokenLifetime";
        assert_eq!(answered(script).await, Rehearsed::Sound);
    }

    #[tokio::test]
    async fn a_program_that_refuses_them_is_not_and_its_reason_is_told() {
        let script = "#!/bin/sh\necho '[0].provider: unknown field' >&2\nexit 65";
        let Rehearsed::Unsound { reason } = answered(script).await else {
            panic!("it is refused")
        };
        assert!(reason.contains("[0].provider: unknown field"), "{reason}");
    }

    #[tokio::test]
    async fn a_program_that_does_not_know_the_question_is_found_out_by_starting_it() {
        assert_eq!(answered("#!/bin/sh\nexit 2").await, Rehearsed::Sound);
    }

    #[tokio::test]
    async fn what_cannot_be_run_at_all_is_not_sound() {
        let Rehearsed::Unsound { reason } = answered("#!/no/such/shell\n").await else {
            panic!("it cannot be run")
        };
        assert!(reason.starts_with("it cannot be run"), "{reason}");
        let nothing = tempfile::tempdir().unwrap();
        let missing = rehearse(&rehearsal(), nothing.path()).await.unwrap();
        assert!(matches!(missing, Rehearsed::Unsound { .. }));
    }
}
