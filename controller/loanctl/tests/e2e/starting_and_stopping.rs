//! How `loanctl up` begins, refuses to begin, and ends.

use std::fs;
use std::net::TcpListener;
use std::process::{Command, Output};
use std::time::Duration;

use engine::board::PlatformObject;
use rustix::process::Signal;

use crate::command::run;
use crate::laptop::Laptop;
use crate::processes;
use crate::spec::Spec;
use crate::view::View;

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_ends_everything_and_a_restart_finds_everything() {
    let mut laptop = Laptop::with(&Spec::new()).await;
    let running = laptop.processes();
    assert!(running.len() >= 7, "{running:?}");

    let second = run(laptop.up()).await;
    assert_refused(&second, &format!("pid {}", laptop.pid()));
    assert_eq!(
        laptop.processes(),
        running,
        "the refused one changed something"
    );

    let ended = laptop.end(Signal::TERM).await;
    assert_eq!(ended.code(), Some(0), "{}", laptop.terminal_text());
    assert_nothing_runs(&laptop);
    processes::gone(&running, Duration::from_secs(1)).await;

    laptop.start();
    let back = laptop
        .wait("every service to be ready again", PlatformObject::is_ready)
        .await;
    assert_eq!(back.generation(), 1);
    assert_eq!(laptop.end(Signal::INT).await.code(), Some(0));
    assert_nothing_runs(&laptop);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_up_on_the_same_state_is_told_who_has_it() {
    let laptop = Laptop::with(&Spec::new()).await;
    let running = laptop.processes();
    let who = format!("pid {}", laptop.pid());

    let other_port = run(with_option(&laptop, "--console-port", "0")).await;
    assert_refused(&other_port, &who);
    let same_ports = run(laptop.up()).await;
    assert_refused(&same_ports, &who);

    assert_eq!(
        laptop.processes(),
        running,
        "a refused one changed something"
    );
    assert!(laptop.platform().await.is_ready());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_used_is_said_before_anything_runs() {
    let laptop = Laptop::off();
    laptop.save(&Spec::new());

    let taken = TcpListener::bind(("127.0.0.1", laptop.api_port())).unwrap();
    let refused = run(laptop.up()).await;
    assert_refused(
        &refused,
        &format!("port {} of the loan API", laptop.api_port()),
    );
    assert_refused(&refused, "--api-port");
    assert_nothing_runs(&laptop);
    drop(taken);

    let taken = TcpListener::bind(("127.0.0.1", laptop.console_port())).unwrap();
    let refused = run(laptop.up()).await;
    assert_refused(
        &refused,
        &format!("port {} of the controller", laptop.console_port()),
    );
    assert_refused(&refused, "--console-port");
    assert_nothing_runs(&laptop);
    drop(taken);

    let no_specs = laptop.specs().join("not-there");
    let refused = run(with_option(
        &laptop,
        "--specs",
        &no_specs.display().to_string(),
    ))
    .await;
    assert_refused(&refused, "--specs");
    assert_nothing_runs(&laptop);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_directory_that_is_a_file_is_refused_and_left_alone() {
    let laptop = Laptop::off();
    laptop.save(&Spec::new());
    fs::write(laptop.state(), "notes").unwrap();

    let refused = run(laptop.up()).await;

    assert_refused(&refused, &laptop.state().display().to_string());
    assert_refused(&refused, "--state");
    assert_eq!(fs::read_to_string(laptop.state()).unwrap(), "notes");
    assert_nothing_runs(&laptop);
}

/// The laptop's `loanctl up` with another value of one option.
fn with_option(laptop: &Laptop, option: &str, value: &str) -> Command {
    let up = laptop.up();
    let mut arguments: Vec<_> = up.get_args().map(ToOwned::to_owned).collect();
    let place = arguments
        .iter()
        .position(|it| it == option)
        .expect("the option");
    arguments[place + 1] = value.into();
    let mut command = Command::new(up.get_program());
    command.args(arguments).env_remove("DATABASE_URL");
    command
}

/// It ended with 1 and says `why` on stderr.
#[track_caller]
fn assert_refused(output: &Output, why: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(why), "`{why}` is not said in: {said}");
}

#[track_caller]
fn assert_nothing_runs(laptop: &Laptop) {
    let left: Vec<String> = laptop
        .processes()
        .into_iter()
        .map(processes::tell)
        .collect();
    assert!(left.is_empty(), "still running: {left:#?}");
}
