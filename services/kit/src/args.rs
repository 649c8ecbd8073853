//! What every service is told at start, on its command line or in its environment.

use std::net::SocketAddr;
use std::time::Duration;

use clap::{Args, ValueEnum};
use schema::names::PlatformName;
use schema::units::parse_millis;
use url::Url;

use crate::client::Hosts;

/// Arguments of every service; a service flattens them into its own.
///
/// A service that is started with the one argument `check-health` serves nothing: see [`crate::health_check`].
#[derive(Args, Clone, Debug)]
pub struct ServiceArgs {
    /// Platform that the service belongs to.
    #[arg(long, env = "LOAN_PLATFORM", value_parser = platform_name)]
    pub platform: PlatformName,
    /// Address to serve on; port 0 takes a free one.
    #[arg(long, env = "LOAN_LISTEN")]
    pub listen: SocketAddr,
    /// Address of health, readiness, settings and metrics; port 0 takes a free one.
    #[arg(long, env = "LOAN_ADMIN")]
    pub admin: SocketAddr,
    /// Settings document: `file:///…/settings/NAME/SERVICE.json`, or `s3://BUCKET/settings/NAME/SERVICE.json` with
    /// region, credentials and endpoint as AWS's own programs find them (`AWS_…`, the task's role).
    #[arg(long, env = "LOAN_SETTINGS")]
    pub settings: Url,
    /// How often the settings are looked at.
    #[arg(long, env = "LOAN_SETTINGS_INTERVAL", default_value = "1s", value_parser = positive_duration)]
    pub settings_interval: Duration,
    /// Where hosts are really found, by address or name: `auth:8082=127.0.0.1:41001,scoring:8083=dev-scoring:8083`.
    #[arg(long, env = "LOAN_HOSTS", default_value = "")]
    pub hosts: Hosts,
    /// How often metrics are emitted.
    #[arg(long, env = "LOAN_METRICS_INTERVAL", default_value = "5s", value_parser = positive_duration)]
    pub metrics_interval: Duration,
    /// Longest time that a stop waits for requests under way.
    #[arg(long, env = "LOAN_DRAIN_DEADLINE", default_value = "25s", value_parser = positive_duration)]
    pub drain_deadline: Duration,
    /// Where log records go.
    #[arg(long, env = "LOAN_LOG", default_value = "auto")]
    pub log: LogTarget,
    /// What is logged: a level, or directives such as `info,sqlx=warn`.
    #[arg(long, env = "LOAN_LOG_LEVEL", default_value = "info")]
    pub log_level: String,
    /// Die when the parent process does, whose id may be given.
    #[arg(long, value_name = "PID", num_args = 0..=1, require_equals = true)]
    pub die_with_parent: Option<Option<i32>>,
}

/// Where log records go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogTarget {
    /// The journal when standard output is connected to it, JSON otherwise.
    #[default]
    Auto,
    /// JSON lines on standard output.
    Json,
    /// The systemd journal.
    Journald,
}

fn platform_name(text: &str) -> Result<PlatformName, schema::names::InvalidName> {
    PlatformName::try_from(text)
}

fn positive_duration(text: &str) -> Result<Duration, String> {
    match parse_millis(text) {
        Ok(0) => Err("must be longer than 0".to_owned()),
        Ok(ms) => Ok(Duration::from_millis(ms)),
        Err(error) => Err(error.to_string()),
    }
}

/// Whether this process was started with `argument` and nothing else: to do something other than serve.
pub(crate) fn is_only_argument(argument: &str) -> bool {
    let mut arguments = std::env::args_os().skip(1);
    arguments.next().is_some_and(|first| first == argument) && arguments.next().is_none()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        service: ServiceArgs,
    }

    const NEEDED: [&str; 9] = [
        "program",
        "--platform",
        "local",
        "--listen",
        "127.0.0.1:0",
        "--admin",
        "127.0.0.1:0",
        "--settings",
        "file:///tmp/auth.json",
    ];

    #[test]
    fn what_is_not_given_has_the_documented_default() {
        let args = Program::try_parse_from(NEEDED).unwrap().service;
        assert_eq!(args.settings_interval, Duration::from_secs(1));
        assert_eq!(args.metrics_interval, Duration::from_secs(5));
        assert_eq!(args.drain_deadline, Duration::from_secs(25));
        assert_eq!(args.log, LogTarget::Auto);
        assert_eq!(args.die_with_parent, None);
    }

    #[test]
    fn an_interval_of_nothing_is_refused() {
        let args = NEEDED.into_iter().chain(["--settings-interval", "0s"]);
        assert!(Program::try_parse_from(args).is_err());
    }
}
