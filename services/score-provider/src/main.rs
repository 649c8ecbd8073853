//! The program `score-provider`.

use clap::Parser;
use schema::names::ServiceName;
use service_kit::{RunError, ServiceArgs};

/// Stand-in for the third party that scores applicants.
#[derive(Parser)]
#[command(version)]
struct Args {
    #[command(flatten)]
    service: ServiceArgs,
}

#[tokio::main]
async fn main() -> Result<(), RunError> {
    let args = Args::parse();
    service_kit::run(
        ServiceName::ScoreProvider,
        args.service,
        score_provider::service::build,
    )
    .await
}
