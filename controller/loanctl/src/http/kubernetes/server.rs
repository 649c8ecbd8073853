//! What the server says that it is.

use k8s_openapi::apimachinery::pkg::version::Info;

/// The version of Kubernetes whose ways are followed.
const MINOR: &str = "32";

/// Clients compare it with their own.
pub(super) fn version() -> Info {
    Info {
        major: "1".to_owned(),
        minor: MINOR.to_owned(),
        git_version: format!("v1.{MINOR}.0+loanctl.{}", env!("CARGO_PKG_VERSION")),
        git_tree_state: "clean".to_owned(),
        platform: format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH),
        compiler: "rustc".to_owned(),
        ..Info::default()
    }
}
