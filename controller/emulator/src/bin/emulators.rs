//! Runs the emulators for trying things by hand: `cargo run -p emulator`.

use std::io::{self, Write};
use std::process::ExitCode;

use emulator::{EmulatorError, Emulators, Options};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            drop(writeln!(io::stderr(), "{error}"));
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), EmulatorError> {
    let rollouts = std::env::args().any(|argument| argument == "--rollouts");
    let options = Options {
        rollouts,
        ..Options::default()
    };
    let emulators = Emulators::start(options).await?;
    for (name, value) in emulators.environment() {
        drop(writeln!(io::stdout(), "export {name}={value}"));
    }
    // Without a handler for Ctrl-C the process ends, and the emulators with it.
    drop(tokio::signal::ctrl_c().await);
    Ok(())
}
