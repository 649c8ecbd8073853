//! What `loanctl up` shows: progress, then where things are, then what happens.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::board::{Board, Happening, PlatformObject};
use local_adapter::Progress;
use tokio::sync::broadcast::error::RecvError;

use super::KUBECONFIG_FILE;
use crate::output::say;
use crate::show;

/// The terminal.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Screen;

impl Screen {
    /// `password_file` is that of the private database, where there is one.
    pub(super) fn progress(self, step: &Progress, password_file: Option<&Path>) {
        match step {
            Progress::StateTaken(path) => say(format_args!("state      {}", path.display())),
            Progress::StartingDatabase => say("database   starting PostgreSQL …"),
            Progress::DatabaseReady(address) => match password_file {
                Some(file) => say(format_args!(
                    "database   PGPASSWORD=$(cat {}) psql {address}",
                    file.display()
                )),
                None => say(format_args!("database   {address}")),
            },
            Progress::Resuming(0) => {}
            Progress::Resuming(count) => {
                say(format_args!(
                    "services   bringing back {count} of the last run …"
                ));
            }
        }
    }

    pub(super) fn stopping(self) {
        say("stopping: services finish their requests (again to stop at once) …");
    }

    pub(super) fn stopped(self) {
        say("stopped");
    }

    /// Tells of every platform's way to readiness, and of everything that happens, without end.
    pub(super) async fn narrate(self, board: Arc<Board>, console: SocketAddr, state_dir: PathBuf) {
        let mut happenings = board.happenings();
        let mut rounds = board.rounds();
        let mut told = BTreeMap::new();
        say(format_args!("console    http://{console}/"));
        say(format_args!("controller http://{console}/api/v1/platforms"));
        say(format_args!(
            "kubectl    KUBECONFIG={} kubectl get lp",
            state_dir.join(KUBECONFIG_FILE).display()
        ));
        loop {
            tokio::select! {
                happening = happenings.recv() => match happening {
                    Ok(happening) => self.tell(&happening),
                    Err(RecvError::Lagged(missed)) => {
                        say(format_args!("({missed} events not shown: see loanctl history)"));
                    }
                    Err(RecvError::Closed) => return,
                },
                changed = rounds.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    for platform in board.platforms() {
                        self.tell_standing(&platform, &state_dir, &mut told);
                    }
                }
            }
        }
    }

    fn tell(self, happening: &Happening) {
        say(format_args!(
            "{}  {}",
            happening.platform,
            show::headline(&happening.entry)
        ));
    }

    /// Says how a platform stands whenever that is something new.
    fn tell_standing(
        self,
        platform: &PlatformObject,
        state_dir: &Path,
        told: &mut BTreeMap<String, String>,
    ) {
        let name = platform.metadata.name.clone().unwrap_or_default();
        let conditions = &platform.status.conditions;
        let Some(ready) = conditions
            .iter()
            .find(|condition| condition.type_ == "Ready")
        else {
            return;
        };
        let standing = format!("{}={} {}", ready.type_, ready.status, ready.reason);
        if told.get(&name) == Some(&standing) {
            return;
        }
        let first_time_ready =
            ready.status == "True" && !told.contains_key(&format!("{name} was ready"));
        say(format_args!("{name}  {standing}"));
        if first_time_ready {
            told.insert(format!("{name} was ready"), String::new());
            say(guide(&name, platform, state_dir));
        }
        told.insert(name, standing);
    }
}

/// Where a platform is, and what to try.
fn guide(name: &str, platform: &PlatformObject, state_dir: &Path) -> String {
    let endpoint = platform
        .status
        .endpoint
        .as_deref()
        .unwrap_or("(no loan API)");
    let state = state_dir.display();
    format!(
        r#"
  {name} is ready.
    loan API   {endpoint}
    logs       {state}/logs/{name}

  Try:
    TOKEN=$(curl -s -u demo:demo-secret -d grant_type=client_credentials {endpoint}/oauth/token | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
    curl -s {endpoint}/loan/apply -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \
      -H "Idempotency-Key: $(cat /proc/sys/kernel/random/uuid)" \
      -d '{{"userId":"u-1","amount":"5000","termMonths":24,"income":"3000"}}'
    loanctl status {name} --store {state}
"#
    )
}
