//! The program `scoring`.

use clap::Parser;
use schema::names::ServiceName;
use service_kit::{RunError, ServiceArgs};

/// Asks the score provider, with timeouts, retries and a circuit breaker.
#[derive(Parser)]
#[command(version)]
struct Args {
    #[command(flatten)]
    service: ServiceArgs,
}

#[tokio::main]
async fn main() -> Result<(), RunError> {
    let args = Args::parse();
    service_kit::run(ServiceName::Scoring, args.service, scoring::service::build).await
}
