//! Figures of a platform on this machine, each beside what it compares to. Asserts nothing about time.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a measurement that cannot go on fails"
)]
#![expect(clippy::print_stdout, reason = "figures are to be read")]

mod cpu;
mod drive;
mod edits;
mod incident;
mod memory;
mod options;
mod starting;
mod throughput;

#[path = "../figures/samples.rs"]
mod samples;
#[path = "../figures/table.rs"]
mod table;
#[path = "../figures/until_stopped.rs"]
mod until_stopped;

// What the end-to-end tests run a platform with; they use all of it.
#[path = "../../tests/e2e/admin.rs"]
#[expect(dead_code, reason = "only the settings are asked for here")]
mod admin;
#[path = "../../tests/e2e/command.rs"]
#[expect(dead_code, reason = "shared with the tests")]
mod command;
#[path = "../../tests/e2e/laptop.rs"]
#[expect(dead_code, reason = "shared with the tests")]
mod laptop;
#[path = "../../tests/e2e/load.rs"]
#[expect(dead_code, reason = "shared with the tests")]
mod load;
#[path = "../../tests/e2e/pressure.rs"]
mod pressure;
#[path = "../../tests/e2e/processes.rs"]
#[expect(dead_code, reason = "shared with the tests")]
mod processes;
#[path = "../../tests/e2e/spec.rs"]
#[expect(dead_code, reason = "shared with the tests")]
mod spec;
#[path = "../../tests/e2e/view.rs"]
#[expect(dead_code, reason = "shared with the tests")]
mod view;

use std::process::ExitCode;
use std::time::Instant;

use options::{Options, Request};
use spec::Spec;
use until_stopped::until_stopped;

#[tokio::main]
async fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Request::Measure(options) => options,
        Request::Explain => {
            println!("{}", options::USAGE);
            return ExitCode::SUCCESS;
        }
        Request::Unknown(argument) => {
            println!("unknown argument {argument}\n\n{}", options::USAGE);
            return ExitCode::from(2);
        }
    };
    until_stopped(async {
        measure(options).await;
        ExitCode::SUCCESS
    })
    .await
}

async fn measure(options: Options) {
    let begun = Instant::now();
    println!("{}", heading(options));
    let spec = unhurried();
    let laptop = starting::measure(&spec, options).await;
    edits::measure(&laptop, &spec, options).await;
    throughput::measure(&laptop, options).await;
    edits::measure_under_load(&laptop, &spec, options).await;
    drop(laptop);
    if options.quick {
        println!("\n7. The incident: left out by --quick");
    } else {
        incident::measure().await;
    }
    println!(
        "\nmeasured in {:.0} s; nothing is left running",
        begun.elapsed().as_secs_f64()
    );
}

/// The tests' platform with a provider that is quick, faultless and never too busy.
fn unhurried() -> Spec {
    Spec::new()
        .with(
            "latency: {p50: 60ms, p99: 180ms}",
            "latency: {p50: 5ms, p99: 8ms}",
        )
        .with("      capacity: 80\n", "")
}

fn heading(options: Options) -> String {
    let profile = if cfg!(debug_assertions) {
        "dev (unoptimised: these figures say little)"
    } else {
        "release"
    };
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("?");
    let length = if options.quick {
        "under a minute"
    } else {
        "about six minutes"
    };
    format!(
        "loan platform on this machine: {} CPUs, profile {profile}, load average {load} before; {length}\n\
         Services, PostgreSQL, controller and the clients below share these CPUs.",
        cpu::count()
    )
}
