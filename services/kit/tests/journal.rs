//! Logs in the systemd journal: a real journald, in a mount namespace of its own, and what `journalctl` says.
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod own_process;

use std::process::Command;

use own_process::SERVE;
use schema::names::ServiceName;
use schema::settings::AuthSettings;
use serde_json::Value;
use service_kit::trace::{self, TraceContext};
use service_kit::{BoxError, Context};

const TEST: &str = "a_line_of_the_log_is_in_the_journal_with_its_fields";
const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// Runs what it is given under a journald that nobody else sees, and shows the whole journal as JSON.
const UNDER_A_JOURNAL: &str = r#"
set -eu
mount -t tmpfs tmpfs /run/systemd
mount -t tmpfs tmpfs /run/log
mkdir -p /run/systemd/journal /run/systemd/journald.conf.d /run/log/journal
# Of the machine it is to read and change nothing.
printf '[Journal]\nStorage=volatile\nReadKMsg=no\nAudit=no\n' >/run/systemd/journald.conf.d/test.conf
/lib/systemd/systemd-journald >&2 &
journald=$!
trap 'kill "$journald"' EXIT
until [ -S /run/systemd/journal/socket ]; do kill -0 "$journald"; done
"$@" >&2
journalctl --sync
journalctl --directory /run/log/journal -o json
"#;

/// A service that says one thing as part of a trace, and gives up.
async fn complain(_: Context<AuthSettings>) -> Result<service_kit::Application, BoxError> {
    let context = TraceContext::resume(TRACE_ID);
    trace::span(&context).in_scope(|| {
        tracing::warn!(status = 503, path = "/loan/apply", "the score is\nmissing");
    });
    Err("as the test wants".into())
}

fn serve(settings: &str) {
    let args = own_process::args(settings, &["--log", "journald", "--drain-deadline", "1s"]);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let ended = runtime.block_on(service_kit::run(ServiceName::Auth, args, complain));
    assert!(ended.unwrap_err().to_string().contains("as the test wants"));
}

/// A mount namespace is root's to make; others get one with a root of their own.
fn unshare() -> Command {
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private"]);
    if !rustix::process::geteuid().is_root() {
        command.arg("--map-root-user");
    }
    command
}

fn journal_of_a_service() -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let settings = own_process::settings_in(folder.path());
    let output = unshare()
        .args(["sh", "-c", UNDER_A_JOURNAL, "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", TEST, "--nocapture"])
        .env(SERVE, settings.as_str())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "no journal here:\n{said}");
    let lines = output.stdout.split(|byte| *byte == b'\n');
    lines
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}

#[test]
fn a_line_of_the_log_is_in_the_journal_with_its_fields() {
    if let Ok(settings) = std::env::var(SERVE) {
        return serve(&settings);
    }
    let journal = journal_of_a_service();
    let line = journal
        .iter()
        .find(|line| line["MESSAGE"] == "the score is\nmissing")
        .unwrap_or_else(|| panic!("not among {journal:#?}"));
    for (field, expected) in [
        // syslog's "warning"
        ("PRIORITY", "4"),
        ("TRACE_ID", TRACE_ID),
        ("STATUS", "503"),
        ("PATH", "/loan/apply"),
        ("TARGET", "journal"),
        ("_TRANSPORT", "journal"),
    ] {
        assert_eq!(line[field], expected, "{field} of {line:#}");
    }
    // Whatever says nothing of a trace has none.
    let stopped = journal
        .iter()
        .find(|line| line["MESSAGE"] == "stopped")
        .unwrap();
    // syslog's "notice": what is of interest and no cause for concern.
    assert_eq!(stopped["PRIORITY"], "5");
    assert_eq!(stopped.get("TRACE_ID"), None);
}
