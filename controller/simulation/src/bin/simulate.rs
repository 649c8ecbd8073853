//! Runs the engine in simulated worlds: `make simulate`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let seed: u64 = std::env::var("SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(1);
    let outcome = simulation::Scenario::drawn(seed).with_whole_trace().run();
    println!("{outcome}");
    ExitCode::SUCCESS
}
