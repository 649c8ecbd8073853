//! A test that runs itself once more, as the process of a service.

use std::path::Path;

use clap::Parser;
use serde_json::json;
use service_kit::ServiceArgs;
use url::Url;

/// The settings' address, for the process that is to be a service.
pub(crate) const SERVE: &str = "SERVICE_KIT_TEST_SERVES";

#[derive(Parser)]
struct Args {
    #[command(flatten)]
    service: ServiceArgs,
}

/// Writes settings of auth into `folder`; their address.
pub(crate) fn settings_in(folder: &Path) -> Url {
    let path = folder.join("auth.json");
    let document = json!({
        "platform": "local", "service": "auth", "epoch": 1, "sequence": 1, "revision": "r",
        "scoringRevision": "none", "settings": {"tokenLifetime": "1h"},
    });
    std::fs::write(&path, document.to_string()).unwrap();
    Url::from_file_path(path).unwrap()
}

/// What a service with `settings` is told at start, and `more`.
pub(crate) fn args(settings: &str, more: &[&str]) -> ServiceArgs {
    let needed = [
        "service",
        "--platform",
        "local",
        "--listen",
        "127.0.0.1:0",
        "--admin",
        "127.0.0.1:0",
        "--settings",
        settings,
    ];
    let all = needed.iter().chain(more);
    Args::try_parse_from(all).unwrap().service
}
