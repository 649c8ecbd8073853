//! Health, asked by the program of itself: what runs containers has nothing else in them to ask with.

use std::io::{self, Read, Write, stderr};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

use serde_json::Value;

/// The only argument of a health check: `scoring check-health`.
pub const CHECK_HEALTH: &str = "check-health";

/// Longest wait for each part of the answer.
const TIMEOUT: Duration = Duration::from_secs(1);
/// Longest answer that is read, in bytes.
const MAX_ANSWER: u64 = 64 * 1024;

/// Answers a health check, where this process was started for one, by asking the service that runs beside it,
/// at the port of `LOAN_ADMIN`.
///
/// Status 0 says that it answers and has settings in force. A service whose own dependency is away is healthy
/// all the same: replacing it would mend nothing. Nothing where the process was started to serve.
#[must_use]
pub fn answer() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    let is_asked = arguments.next()? == CHECK_HEALTH && arguments.next().is_none();
    let admin = std::env::var("LOAN_ADMIN").unwrap_or_default();
    is_asked.then(|| match check(&admin) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            tell(&problem);
            ExitCode::FAILURE
        }
    })
}

fn check(admin: &str) -> Result<(), String> {
    let address: SocketAddr = admin
        .parse()
        .map_err(|error| format!("LOAN_ADMIN is not an address: {error}"))?;
    // It may listen on every address; here it is at home.
    let here = SocketAddr::from((Ipv4Addr::LOCALHOST, address.port()));
    let readiness = ask(here).map_err(|error| format!("no answer at {here}: {error}"))?;
    if readiness["settings"].is_null() {
        return Err(format!("no settings yet: {}", readiness["reason"]));
    }
    Ok(())
}

fn ask(address: SocketAddr) -> io::Result<Value> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    // By HTTP/1.0 the answer comes in one piece, and the connection ends with it.
    stream.write_all(b"GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
    let mut answer = String::new();
    stream.take(MAX_ANSWER).read_to_string(&mut answer)?;
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body);
    Ok(serde_json::from_str(body.unwrap_or_default())?)
}

fn tell(problem: &str) {
    // Whoever asked is gone when this fails.
    drop(stderr().write_all(problem.as_bytes()));
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// An admin port that gives `answer` to one question.
    fn admin_port(answer: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            assert!(stream.read(&mut [0; 1_024]).unwrap() > 0);
            stream.write_all(answer.as_bytes()).unwrap();
        });
        format!("0.0.0.0:{port}")
    }

    #[test]
    fn a_service_with_settings_is_healthy_even_if_it_is_not_ready() {
        let admin = admin_port(
            "HTTP/1.0 503 Service Unavailable\r\n\r\n\
             {\"ready\": false, \"reason\": \"database: away\", \"settings\": {\"sequence\": 7}}",
        );
        assert_eq!(check(&admin), Ok(()));
    }

    #[test]
    fn a_service_that_never_had_settings_is_not() {
        let admin = admin_port(
            "HTTP/1.0 503 Service Unavailable\r\n\r\n\
             {\"ready\": false, \"reason\": \"settings: none yet\", \"settings\": null}",
        );
        assert_eq!(
            check(&admin).unwrap_err(),
            "no settings yet: \"settings: none yet\""
        );
    }

    #[test]
    fn a_service_that_does_not_answer_is_not_and_the_reason_is_told() {
        let garbled = check(&admin_port("no HTTP at all")).unwrap_err();
        assert!(garbled.starts_with("no answer at 127.0.0.1:"), "{garbled}");
        let unset = check("").unwrap_err();
        assert!(unset.starts_with("LOAN_ADMIN is not an address"), "{unset}");
    }
}
