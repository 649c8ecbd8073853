//! The program `scoring`.

use std::process::ExitCode;

use clap::Parser;
use schema::names::ServiceName;
use schema::settings::ScoringSettings;
use service_kit::{RunError, ServiceArgs};

/// Asks the score provider, with timeouts, retries and a circuit breaker.
#[derive(Parser)]
#[command(version)]
struct Args {
    #[command(flatten)]
    service: ServiceArgs,
}

fn main() -> Result<ExitCode, RunError> {
    let asked = service_kit::health_check::answer();
    if let Some(answer) = asked.or_else(service_kit::rehearsal::answer::<ScoringSettings>) {
        return Ok(answer);
    }
    serve()?;
    Ok(ExitCode::SUCCESS)
}

#[tokio::main]
async fn serve() -> Result<(), RunError> {
    let args = Args::parse();
    service_kit::run(ServiceName::Scoring, args.service, scoring::service::build).await
}
