//! The `loan-api` program.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser;
use loan_api::database::{Database, DatabaseArgs};
use loan_api::store::Store;
use schema::names::ServiceName;
use service_kit::{ServiceArgs, aws};

/// Takes loan applications and decides them.
#[derive(Parser)]
#[command(version)]
struct Args {
    #[command(flatten)]
    service: ServiceArgs,
    #[command(flatten)]
    database: DatabaseArgs,
}

fn main() -> anyhow::Result<ExitCode> {
    let asked = service_kit::health_check::answer();
    if let Some(answer) =
        asked.or_else(|| service_kit::openapi::answer(loan_api::routes::description))
    {
        return Ok(answer);
    }
    serve()?;
    Ok(ExitCode::SUCCESS)
}

#[tokio::main]
async fn serve() -> anyhow::Result<()> {
    let args = Args::parse();
    let database = Database::new(&args.database, aws::region()).context("loan-api cannot start")?;
    let store = Store::new(database).context("loan-api cannot start")?;
    let build = |context| loan_api::build(store, context);
    service_kit::run(ServiceName::LoanApi, args.service, build).await?;
    Ok(())
}
