//! A standard output that nobody reads, as that of a container whose log driver waits: the service goes on, and what
//! it counted is not lost.
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod own_process;

use own_process::{OwnProcess, SERVE};
use schema::names::ServiceName;
use schema::settings::AuthSettings;
use serde_json::Value;
use service_kit::{Application, BoxError, Context, reply};
use warp::Filter;

/// More than the pipe and the lines that wait for it hold together.
const LINES_A_REQUEST: u64 = 10_000;
const REQUESTS: u64 = 12;

/// Answers, and has much to say about it.
async fn talkative(_: Context<AuthSettings>) -> Result<Application, BoxError> {
    let routes = warp::path!("talk").then(|| async {
        for line in 0..LINES_A_REQUEST {
            tracing::info!(line, "said");
        }
        reply::json(&"done")
    });
    Ok(Application::new(routes.boxed()))
}

#[expect(
    clippy::exit,
    reason = "the test runner would have its say on an output that is full"
)]
fn serve(settings: &str) {
    let args = own_process::args(settings, &["--metrics-interval", "100ms", "--log", "json"]);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let served = runtime.block_on(service_kit::run(ServiceName::Auth, args, talkative));
    served.unwrap();
    std::process::exit(0);
}

/// A service that answered requests while nobody read what it said.
fn talked_to(test: &str) -> OwnProcess {
    let process = OwnProcess::start(test, &[]);
    let talk = process.service.join("talk").unwrap();
    for _ in 0..REQUESTS {
        assert!(own_process::get(&talk).is_success());
    }
    process
}

#[test]
fn a_service_that_nobody_reads_answers_and_stops() {
    if let Ok(settings) = std::env::var(SERVE) {
        return serve(&settings);
    }
    let test = "a_service_that_nobody_reads_answers_and_stops";
    let mut process = talked_to(test);
    assert!(process.stop().success());
}

#[test]
fn when_it_is_read_again_it_tells_what_was_dropped_and_all_it_counted() {
    if let Ok(settings) = std::env::var(SERVE) {
        return serve(&settings);
    }
    let test = "when_it_is_read_again_it_tells_what_was_dropped_and_all_it_counted";
    let mut process = talked_to(test);
    let (mut said, mut dropped, mut counted) = (0, 0, 0);
    for line in process.lines() {
        said += u64::from(line["message"] == "said");
        if line["message"]
            .as_str()
            .is_some_and(|it| it.starts_with("log lines were dropped"))
        {
            dropped += line["lines"].as_u64().unwrap();
        }
        counted += requests_in(&line);
        if said + dropped >= REQUESTS * LINES_A_REQUEST && counted == REQUESTS {
            break;
        }
    }
    assert!(dropped > 0, "{said} lines said, and none dropped");
    assert!(said + dropped >= REQUESTS * LINES_A_REQUEST);
    assert_eq!(counted, REQUESTS);
}

/// Requests that a record counts.
fn requests_in(line: &Value) -> u64 {
    line["Requests"].as_u64().unwrap_or(0)
}
