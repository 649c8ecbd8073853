//! The command line and environment that a task is started with: the process contract.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use schema::names::{PlatformName, ServiceName};
use schema::platform::Image;
use tokio::process::Command;
use url::Url;

use crate::front::PlatformAddresses;
use crate::secrets::Secrets;

/// How often services look at their settings here: a person watches.
const SETTINGS_INTERVAL: &str = "500ms";
/// How often they emit metrics here, for alarms with short periods.
const METRICS_INTERVAL: &str = "1s";
/// How long a task may take to finish its requests by itself.
pub(crate) const DRAIN_DEADLINE_SECONDS: u64 = 25;

/// A program that cannot be run.
#[derive(Debug, thiserror::Error)]
#[error(
    "there is no program `{program}` in {folder} for the image {image}; build it, or name another image"
)]
pub(crate) struct NoProgram {
    program: String,
    folder: PathBuf,
    image: String,
}

/// The program of an image.
pub(crate) fn program_of(image: &Image, folder: &Path) -> Result<PathBuf, NoProgram> {
    let program = image.program();
    let path = folder.join(program);
    // A name such as `..` leads out of the folder and to no file.
    if path.is_file() {
        Ok(path)
    } else {
        Err(NoProgram {
            program: program.to_owned(),
            folder: folder.to_owned(),
            image: image.to_string(),
        })
    }
}

/// What a task of one service is told about its surroundings.
#[derive(Debug)]
pub(crate) struct Surroundings<'a> {
    pub(crate) platform: &'a PlatformName,
    pub(crate) service: ServiceName,
    pub(crate) settings: PathBuf,
    pub(crate) addresses: &'a PlatformAddresses,
    pub(crate) secrets: &'a Secrets,
    pub(crate) database: Option<Url>,
}

impl Surroundings<'_> {
    /// The command that starts `program` here.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .args(["--platform", self.platform.as_str()])
            .args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"])
            .arg("--settings")
            .arg(file_url(&self.settings))
            .args(["--settings-interval", SETTINGS_INTERVAL])
            .args(["--metrics-interval", METRICS_INTERVAL])
            .args(["--hosts", &self.hosts()])
            .args(["--drain-deadline", &format!("{DRAIN_DEADLINE_SECONDS}s")])
            .args(["--log", "json"])
            .arg(format!("--die-with-parent={}", std::process::id()))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if self.service == ServiceName::Auth {
            command
                .arg("--clients-file")
                .arg(&self.secrets.clients_file)
                .arg("--signing-key-file")
                .arg(&self.secrets.signing_key_file);
        }
        // Only the loan API has business in the database, whatever this process was given itself.
        command.env_remove("DATABASE_URL");
        if let Some(url) = &self.database {
            command.env("DATABASE_URL", url.as_str());
        }
        command
    }

    fn hosts(&self) -> String {
        let entry = |service: ServiceName| {
            let address = self.addresses.of(service);
            format!("{service}:{}={address}", service.port())
        };
        ServiceName::ALL.map(entry).join(",")
    }
}

fn file_url(path: &Path) -> String {
    // The state directory is absolute, which is all that this asks for.
    Url::from_file_path(path).map_or_else(|()| path.display().to_string(), String::from)
}
