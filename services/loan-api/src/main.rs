//! The `loan-api` program.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser;
use loan_api::store::{DatabaseArgs, Store};
use schema::names::ServiceName;
use service_kit::ServiceArgs;

/// Takes loan applications and decides them.
#[derive(Parser)]
#[command(version)]
struct Args {
    #[command(flatten)]
    service: ServiceArgs,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    if let Some(answer) = service_kit::health_check::answer() {
        return Ok(answer);
    }
    let args = Args::parse();
    let store = Store::new(&args.database).context("loan-api cannot start")?;
    let build = |context| loan_api::build(store, context);
    service_kit::run(ServiceName::LoanApi, args.service, build).await?;
    Ok(ExitCode::SUCCESS)
}
