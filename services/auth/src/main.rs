//! The `auth` program.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use auth::BuildError;
use auth::clients::Clients;
use auth::secret::Secret;
use auth::tokens::Issuer;
use clap::Parser;
use schema::names::ServiceName;
use service_kit::ServiceArgs;

/// Issues and verifies bearer tokens.
///
/// Clients and signing key are given in a file each, or in the environment, as ECS injects secrets.
#[derive(Parser)]
#[command(version)]
struct Args {
    #[command(flatten)]
    service: ServiceArgs,
    /// Clients: JSON list of {"id", "secretHash"}, the hash an argon2 PHC string.
    #[arg(long, env = "LOAN_CLIENTS_FILE")]
    clients_file: Option<PathBuf>,
    /// The clients themselves. For the environment: everybody on a machine can read a command line.
    #[arg(
        long,
        env = "LOAN_CLIENTS",
        value_name = "JSON",
        hide_env_values = true
    )]
    clients: Option<String>,
    /// Signing keys: Ed25519, PKCS#8 PEM, up to four, of which the first signs.
    #[arg(long, env = "LOAN_SIGNING_KEY_FILE")]
    signing_key_file: Option<PathBuf>,
    /// The signing keys themselves. For the environment: everybody on a machine can read a command line.
    #[arg(
        long,
        env = "LOAN_SIGNING_KEY",
        value_name = "PEM",
        hide_env_values = true
    )]
    signing_key: Option<String>,
}

fn main() -> anyhow::Result<ExitCode> {
    let asked = service_kit::health_check::answer();
    if let Some(answer) = asked.or_else(|| service_kit::openapi::answer(auth::routes::description))
    {
        return Ok(answer);
    }
    serve()?;
    Ok(ExitCode::SUCCESS)
}

#[tokio::main]
async fn serve() -> anyhow::Result<()> {
    let args = Args::parse();
    let (clients, issuer) = load(&args).context("auth cannot start")?;
    let build = |context| auth::build(clients, issuer, context);
    service_kit::run(ServiceName::Auth, args.service, build).await?;
    Ok(())
}

/// Reads clients and key: what must be right before the service starts at all.
fn load(args: &Args) -> Result<(Clients, Issuer), BuildError> {
    let clients = Secret::one_of(
        "LOAN_CLIENTS",
        args.clients_file.clone(),
        args.clients.clone(),
    )?;
    let key = Secret::one_of(
        "LOAN_SIGNING_KEY",
        args.signing_key_file.clone(),
        args.signing_key.clone(),
    )?;
    let clients = Clients::read(&clients)?;
    let issuer = Issuer::new(&args.service.platform, &key.read()?)?;
    Ok((clients, issuer))
}
