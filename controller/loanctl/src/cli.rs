//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::output::Format;

const EXIT_CODES: &str = "Exit codes: 0 all is well · 1 a problem was found, or the work failed · \
                          2 unusable arguments";

/// Runs loan platforms from their specs, and says how they fare.
#[derive(Debug, Parser)]
#[command(name = "loanctl", version, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run everything on this machine: services, database, alarms, controller.
    #[cfg(feature = "local")]
    Up(UpArgs),
    /// Keep the platforms of a bucket on AWS: the production process.
    #[cfg(feature = "aws")]
    Controller(ControllerArgs),
    /// Ask a controller whether it is healthy: for containers, whose images have no curl.
    #[cfg(feature = "aws")]
    CheckHealth(CheckHealthArgs),
    /// Try what a controller will need in AWS, and say what to mend.
    #[cfg(feature = "aws")]
    Verify(VerifyArgs),
    /// Check spec files and show every problem with its place.
    Validate(ValidateArgs),
    /// Show what the controller would do about spec files, and in which order.
    Plan(PlanArgs),
    /// Show how platforms fare.
    Status(StatusArgs),
    /// Show what happened to a platform, and why.
    History(HistoryArgs),
    /// Print the JSON Schemas, the CRD, and the pages made from them.
    Schema(SchemaArgs),
    /// Print what completes commands in a shell.
    Completions(CompletionsArgs),
}

/// Run everything on this machine.
#[cfg(feature = "local")]
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  loanctl up\n  loanctl up --specs my-specs --state /tmp/loan --api-port 9000"
)]
pub(crate) struct UpArgs {
    /// Directory of spec files, one per platform
    #[arg(long, value_name = "DIR", default_value = "specs")]
    pub(crate) specs: PathBuf,
    /// Directory for everything that is kept: state, settings, database, logs
    #[arg(long, value_name = "DIR", default_value = ".loan")]
    pub(crate) state: PathBuf,
    /// Port of the first platform's loan API; others get a free one
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    pub(crate) api_port: u16,
    /// Port of the controller: the console, health, metrics, and what kubectl reads
    #[arg(long, value_name = "PORT", default_value_t = 9090)]
    pub(crate) console_port: u16,
    /// Directory of the service programs; default: that of loanctl itself
    #[arg(long, value_name = "DIR")]
    pub(crate) programs: Option<PathBuf>,
    /// A running PostgreSQL to use instead of a private one
    #[arg(long, value_name = "URL", env = "DATABASE_URL", hide_env_values = true)]
    pub(crate) database_url: Option<url::Url>,
}

/// Keep the platforms of a bucket on AWS.
#[cfg(feature = "aws")]
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  loanctl controller --store s3://loan-platforms --queue https://sqs.eu-west-1.amazonaws.com/123456789012/loan-platforms\n  loanctl controller --store s3://loan-platforms --quota ServiceRead=40/200 --quota PutMetricAlarm=10\n\nCredentials and region come from where the AWS command line finds them, in ECS from the task's role.\nA second controller on the same bucket stands by and takes over when the first one ends."
)]
pub(crate) struct ControllerArgs {
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    /// Address of the console, health, metrics, and what kubectl reads
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "LOAN_LISTEN",
        default_value = "127.0.0.1:9090"
    )]
    pub(crate) listen: std::net::SocketAddr,
    /// What readers of platforms must show (Authorization: Bearer TOKEN); needed where --listen is not this machine alone
    #[arg(long, value_name = "TOKEN", env = "LOAN_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    /// File to write a kubeconfig to, with which kubectl reads the platforms from this machine; the token is in it
    #[arg(long, value_name = "FILE", env = "LOAN_KUBECONFIG")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// How often what moves is looked at, and the spec files are listed
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = pause)]
    pub(crate) poll: Pause,
    /// How often what rests is looked at
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = pause)]
    pub(crate) resync: Pause,
    /// Time to live of the lease: how long after its holder vanished another controller takes over
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = pause)]
    pub(crate) lease: Pause,
    /// Share of the account's API quotas to use, in percent; ECS itself and other tools need the rest
    #[arg(long, value_name = "PERCENT", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) quota_share: u32,
    /// A quota of this account that differs from the documented one: calls a second, and at once; may be repeated.
    /// The share is taken of it too. FAMILY is one of those in /metrics, as in ServiceRead=40/200
    #[arg(long, value_name = "FAMILY=RATE[/BURST]")]
    pub(crate) quota: Vec<aws_adapter::quota::GivenQuota>,
    /// Whether its metrics also go to standard output once a minute, for CloudWatch to read from the log
    #[arg(
        long,
        value_name = "FORMAT",
        env = "LOAN_METRICS",
        value_enum,
        default_value_t
    )]
    pub(crate) metrics: MetricsOutput,
    /// Where log records go
    #[arg(long, value_name = "TARGET", env = "LOAN_LOG", default_value = "auto")]
    pub(crate) log: service_kit::args::LogTarget,
    /// What is logged: a level, or directives such as info,engine=debug
    #[arg(
        long,
        value_name = "LEVEL",
        env = "LOAN_LOG_LEVEL",
        default_value = "info"
    )]
    pub(crate) log_level: String,
}

/// What of the metrics goes to standard output. `/metrics` always has them.
#[cfg(feature = "aws")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum MetricsOutput {
    /// Embedded metric format with --log json, else nothing
    #[default]
    Auto,
    /// CloudWatch embedded metric format
    Emf,
    /// Nothing
    None,
}

#[cfg(feature = "aws")]
impl ControllerArgs {
    /// Whether metrics go to standard output.
    pub(crate) fn emits_metrics(&self) -> bool {
        match self.metrics {
            MetricsOutput::Auto => self.log == service_kit::args::LogTarget::Json,
            MetricsOutput::Emf => true,
            MetricsOutput::None => false,
        }
    }
}

/// Ask a controller whether it is healthy.
#[cfg(feature = "aws")]
#[derive(Debug, Args)]
pub(crate) struct CheckHealthArgs {
    /// Where the controller listens, as it was told itself
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "LOAN_LISTEN",
        default_value = "127.0.0.1:9090"
    )]
    pub(crate) listen: std::net::SocketAddr,
}

/// Try what a controller will need in AWS.
#[cfg(feature = "aws")]
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  loanctl verify --store s3://loan-platforms --queue https://sqs.eu-west-1.amazonaws.com/123456789012/loan-platforms\n\nWhat it makes it removes again. Exit codes: 0 all is well · 1 something is to be mended · 2 unusable arguments"
)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Format,
}

/// The place that a controller keeps.
#[cfg(feature = "aws")]
#[derive(Debug, Args)]
pub(crate) struct PlaceArgs {
    /// Bucket with specs, settings, state and lease, as s3://BUCKET
    #[arg(long, value_name = "URL", env = "LOAN_STORE")]
    pub(crate) store: url::Url,
    /// Queue that tells of changes, its URL; without one changes are found by polling
    #[arg(long, value_name = "URL", env = "LOAN_QUEUE")]
    pub(crate) queue: Option<String>,
    #[command(flatten)]
    pub(crate) aws: AwsArgs,
}

/// How AWS is reached.
#[cfg(feature = "aws")]
#[derive(Debug, Args)]
pub(crate) struct AwsArgs {
    /// AWS region; default: from the environment
    #[arg(long, value_name = "REGION", env = "AWS_REGION")]
    pub(crate) region: Option<String>,
    /// Address of all AWS services instead of their own: an emulator, a private endpoint
    #[arg(long, value_name = "URL", env = "AWS_ENDPOINT_URL")]
    pub(crate) endpoint_url: Option<url::Url>,
}

/// A length of time, 1 s to a day.
#[cfg(feature = "aws")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pause(pub(crate) std::time::Duration);

#[cfg(feature = "aws")]
fn pause(text: &str) -> Result<Pause, String> {
    let ms = schema::units::parse_millis(text).map_err(|error| error.to_string())?;
    if (1_000..=86_400_000).contains(&ms) {
        Ok(Pause(std::time::Duration::from_millis(ms)))
    } else {
        Err("must be from 1s to 24h".to_owned())
    }
}

/// Check spec files.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  loanctl validate specs/local.yaml\n  loanctl validate specs -o json\n\nExit codes: 0 valid · 1 problems found · 2 unusable arguments"
)]
pub(crate) struct ValidateArgs {
    /// Spec files, or directories of them
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Format,
}

/// Show what the controller would do about spec files.
///
/// It is worked out by the controller's own decisions. With a bucket as store they stand on the account as it is now, else on what
/// the controller last saved: what was changed by hand since is then not in it. Nothing is changed.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  loanctl plan specs/local.yaml\n  loanctl plan specs/ --store s3://loan-platforms\n  loanctl plan prod.yaml --store s3://loan-platforms -o json\n\nWithout a store it is planned as if nothing was there yet.\nExit codes: 0 no changes · 2 changes · 1 error"
)]
pub(crate) struct PlanArgs {
    /// Spec files, or directories of them
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// Do not look at the account of a bucket: plan on what the controller last saved
    #[cfg(feature = "aws")]
    #[arg(long)]
    pub(crate) offline: bool,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Format,
}

/// Show how platforms fare.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  loanctl status\n  loanctl status local --watch\n  loanctl status local -o json\n  loanctl status --store s3://loan-platforms"
)]
pub(crate) struct StatusArgs {
    /// Platform; all when absent
    pub(crate) name: Option<String>,
    /// Show it again whenever it changes, until Ctrl-C
    #[arg(short, long)]
    pub(crate) watch: bool,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Format,
}

/// Show what happened to a platform.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  loanctl history local\n  loanctl history local -o json")]
pub(crate) struct HistoryArgs {
    /// Platform
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Format,
}

/// Where states are read from.
#[derive(Debug, Args)]
pub(crate) struct StoreArgs {
    /// Store to read, as file:///path/to/state or s3://BUCKET; default: the state directory .loan
    #[arg(long, value_name = "URL", env = "LOAN_STORE")]
    pub(crate) store: Option<String>,
    #[cfg(feature = "aws")]
    #[command(flatten)]
    pub(crate) aws: AwsArgs,
}

/// Print the JSON Schemas and the CRD.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  loanctl schema loanplatform.schema.json\n  loanctl schema --write"
)]
pub(crate) struct SchemaArgs {
    /// Which file to print; the spec's schema when absent
    pub(crate) file: Option<String>,
    /// Write all of them into this checkout of the project instead
    #[arg(long, value_name = "DIR", num_args = 0..=1, default_missing_value = ".")]
    pub(crate) write: Option<PathBuf>,
    /// Say which files of this checkout are out of date, and fail if there are any
    #[arg(long, value_name = "DIR", num_args = 0..=1, default_missing_value = ".", conflicts_with = "write")]
    pub(crate) check: Option<PathBuf>,
}

/// Print what completes commands in a shell.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  loanctl completions bash > /etc/bash_completion.d/loanctl\n  loanctl completions zsh > ~/.zfunc/_loanctl"
)]
pub(crate) struct CompletionsArgs {
    /// The shell
    pub(crate) shell: clap_complete::Shell,
}
