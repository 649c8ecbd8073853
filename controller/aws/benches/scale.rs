//! What the controller takes for 1, 100 and 1,000 platforms on AWS: `make bench`, or alone
//! `cargo bench -p aws-adapter --bench scale`. Other sizes: `LOAN_SCALE=1,50`.
//!
//! The engine and the adapter are the real ones, and so is the SDK; the account is in memory, and time is
//! simulated.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark that cannot go on stops, and prints what it measured"
)]

mod account;
mod measuring;

use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

use measuring::{Figures, cold, tell, warm};

/// Platforms, unless the environment names other numbers.
const SIZES: &str = "1,100,1000";
const SIZES_VARIABLE: &str = "LOAN_SCALE";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["cold", size, folder] => measure_cold(size.parse().unwrap(), folder.as_ref()),
        ["warm", size, folder] => measure_warm(size.parse().unwrap(), folder.as_ref()),
        _ => return measure_all(),
    }
    ExitCode::SUCCESS
}

/// Each size in processes of its own, so that memory is its own.
fn measure_all() -> ExitCode {
    let sizes = std::env::var(SIZES_VARIABLE).unwrap_or_else(|_| SIZES.to_owned());
    let folder = tempfile::tempdir().unwrap();
    let mut all: Vec<Figures> = Vec::new();
    for size in sizes.split(',').map(str::trim) {
        for stage in ["cold", "warm"] {
            let began = Instant::now();
            let mut command = Command::new(std::env::current_exe().unwrap());
            let status = command.args([stage, size]).arg(folder.path()).status();
            assert!(status.unwrap().success(), "{stage} with {size} platforms");
            let took_s = began.elapsed().as_secs();
            eprintln!("{size} platforms, {stage}: measured in {took_s} s");
            let figures = File::open(folder.path().join(stage)).unwrap();
            let figures: Vec<Figures> = serde_json::from_reader(BufReader::new(figures)).unwrap();
            all.extend(figures);
        }
    }
    if tell(&all) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn measure_cold(size: usize, folder: &Path) {
    let (figures, snapshot) = simulated(cold(size));
    write(&snapshot, &folder.join("snapshot"));
    write(&figures, &folder.join("cold"));
}

fn measure_warm(size: usize, folder: &Path) {
    let snapshot = File::open(folder.join("snapshot")).unwrap();
    let snapshot = ciborium::from_reader(BufReader::new(snapshot)).unwrap();
    let figures = simulated(warm(size, snapshot));
    write(&figures, &folder.join("warm"));
}

fn simulated<T>(measured: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(true).build().unwrap();
    runtime.block_on(measured)
}

fn write(value: &impl serde::Serialize, path: &Path) {
    let file = BufWriter::new(File::create(path).unwrap());
    if path.ends_with("snapshot") {
        ciborium::into_writer(value, file).unwrap();
    } else {
        serde_json::to_writer(file, value).unwrap();
    }
}
