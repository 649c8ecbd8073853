//! The `auth` program.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser;
use schema::names::ServiceName;
use service_kit::ServiceArgs;

/// Issues and verifies bearer tokens.
#[derive(Parser)]
#[command(version)]
struct Args {
    #[command(flatten)]
    service: ServiceArgs,
    /// Clients: JSON list of {"id", "secretHash"}, the hash an argon2 PHC string.
    #[arg(long, env = "LOAN_CLIENTS_FILE")]
    clients_file: PathBuf,
    /// Signing key: Ed25519, PKCS#8 PEM.
    #[arg(long, env = "LOAN_SIGNING_KEY_FILE")]
    signing_key_file: PathBuf,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    if let Some(answer) = service_kit::health_check::answer() {
        return Ok(answer);
    }
    let args = Args::parse();
    let platform = &args.service.platform;
    let (clients, issuer) = auth::load(platform, &args.clients_file, &args.signing_key_file)
        .context("auth cannot start")?;
    let build = |context| auth::build(clients, issuer, context);
    service_kit::run(ServiceName::Auth, args.service, build).await?;
    Ok(ExitCode::SUCCESS)
}
