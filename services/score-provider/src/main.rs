//! The program `score-provider`.

use std::process::ExitCode;

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

fn main() -> Result<ExitCode, RunError> {
    if let Some(answer) = service_kit::health_check::answer() {
        return Ok(answer);
    }
    serve()?;
    Ok(ExitCode::SUCCESS)
}

#[tokio::main]
async fn serve() -> Result<(), RunError> {
    let args = Args::parse();
    service_kit::run(
        ServiceName::ScoreProvider,
        args.service,
        score_provider::service::build,
    )
    .await
}
