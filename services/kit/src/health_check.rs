//! A container's health check: images have no curl, so the program asks the one that serves.

use std::io::{self, Read, Write, stderr};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

use crate::args::is_only_argument;

/// The only argument of a health check: `auth check-health`.
pub const CHECK_HEALTH: &str = "check-health";
/// Names the admin port, for the program that serves and for the one that asks it.
const ADMIN: &str = "LOAN_ADMIN";
/// Longest wait for the connection, and again for the answer: together less than ECS waits for the check (3 s).
const TIMEOUT: Duration = Duration::from_secs(1);
/// All that the answer has to begin with.
const HEALTHY: &[u8] = b"HTTP/1.1 200";

/// Why the service does not count as healthy.
#[derive(Debug, thiserror::Error)]
enum Unhealthy {
    #[error("LOAN_ADMIN must name the admin port, as in 0.0.0.0:9000")]
    NoAddress,
    #[error("nothing answers at {0}: {1}")]
    Silent(SocketAddr, io::Error),
    #[error("{0} says `{1}`")]
    Says(SocketAddr, String),
}

/// Answers a health check, where this process was started for one: the admin port that `LOAN_ADMIN` names is asked for
/// `/healthz`, on loopback where it listens everywhere.
///
/// Status 0 says that it is healthy, 1 that it is not, with the reason on standard error. Nothing where the process was
/// started to serve.
#[must_use]
pub fn answer() -> Option<ExitCode> {
    is_only_argument(CHECK_HEALTH).then(|| report(check(std::env::var(ADMIN).ok().as_deref())))
}

/// Asks what listens at `address` for `/healthz`, on loopback where it listens everywhere.
///
/// Status 0 says that it is healthy, 1 that it is not, with the reason on standard error.
#[must_use]
pub fn of(address: SocketAddr) -> ExitCode {
    report(check_at(address))
}

fn report(checked: Result<(), Unhealthy>) -> ExitCode {
    match checked {
        Ok(()) => ExitCode::SUCCESS,
        Err(unhealthy) => {
            // Whoever asked is gone when this fails.
            drop(writeln!(stderr(), "{unhealthy}"));
            ExitCode::FAILURE
        }
    }
}

fn check(admin: Option<&str>) -> Result<(), Unhealthy> {
    let address = admin.and_then(|admin| admin.parse().ok());
    check_at(address.ok_or(Unhealthy::NoAddress)?)
}

fn check_at(address: SocketAddr) -> Result<(), Unhealthy> {
    let address = on_loopback(address);
    let start = ask(address).map_err(|error| Unhealthy::Silent(address, error))?;
    if start == HEALTHY {
        Ok(())
    } else {
        let start = String::from_utf8_lossy(&start).into_owned();
        Err(Unhealthy::Says(address, start))
    }
}

/// Where a port that listens at `address` is reached from the same container.
fn on_loopback(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// How the answer of `address` begins.
fn ask(address: SocketAddr) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    let request = format!("GET /healthz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut start = vec![0; HEALTHY.len()];
    stream.read_exact(&mut start)?;
    Ok(start)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// The check of a port that listens everywhere and answers like this.
    fn checked(answer: &'static str) -> Result<(), Unhealthy> {
        let listener = TcpListener::bind("0.0.0.0:0").unwrap();
        let admin = listener.local_addr().unwrap().to_string();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 1024];
            let length = stream.read(&mut request).unwrap();
            assert!(request[..length].starts_with(b"GET /healthz HTTP/1.1\r\n"));
            stream.write_all(answer.as_bytes()).unwrap();
        });
        let checked = check(Some(&admin));
        server.join().unwrap();
        checked
    }

    #[test]
    fn only_an_answer_of_200_is_healthy() {
        assert!(checked("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").is_ok());
        for answer in [
            "HTTP/1.1 503 Service Unavailable\r\n\r\n",
            "220 mail.example",
        ] {
            let unhealthy = checked(answer);
            assert!(matches!(unhealthy, Err(Unhealthy::Says(..))), "{answer}");
        }
    }

    #[test]
    fn a_port_that_nobody_answers_is_not_healthy() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let silent = listener.local_addr().unwrap().to_string();
        assert!(matches!(check(Some(&silent)), Err(Unhealthy::Silent(..))));
        drop(listener);
        assert!(matches!(check(Some(&silent)), Err(Unhealthy::Silent(..))));
    }

    #[test]
    fn without_an_address_the_variable_is_named() {
        for admin in [None, Some(""), Some("9000")] {
            let unhealthy = check(admin).unwrap_err();
            assert!(unhealthy.to_string().contains("LOAN_ADMIN"));
        }
    }

    #[test]
    fn a_port_that_listens_everywhere_is_asked_on_loopback() {
        for (listens, asked) in [
            ("0.0.0.0:9000", "127.0.0.1:9000"),
            ("[::]:9000", "[::1]:9000"),
            ("10.0.0.7:9000", "10.0.0.7:9000"),
        ] {
            assert_eq!(
                on_loopback(listens.parse().unwrap()),
                asked.parse().unwrap()
            );
        }
    }
}
