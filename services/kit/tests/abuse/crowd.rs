//! Ten thousand connections that ask for nothing, against a whole service in a process of its own: one process may
//! not be allowed the files that both ends of them take.

use std::net::SocketAddr;
use std::process::Stdio;

use futures::{StreamExt, stream};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use schema::names::ServiceName;
use schema::settings::AuthSettings;
use serde::Deserialize;
use serde_json::json;
use service_kit::{Application, BoxError, Context, reply};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use warp::Filter;

use crate::client::{Client, HELLO, somebody_else_is_answered};
use crate::own_process::{self, SERVE};

const CROWD: usize = 10_000;
/// What the crowd, the tests' other connections and the service's reserve take on one side.
const FILES_NEEDED: u64 = 12_000;
/// Clients that connect at once: fewer than the kernel's queue holds.
const AT_ONCE: usize = 200;

/// A service of nothing but the kit.
struct Service {
    process: Child,
    _settings: TempDir,
    ports: Ports,
}

#[derive(Deserialize)]
struct Ports {
    service: SocketAddr,
    admin: SocketAddr,
}

impl Service {
    /// Starts it by running `test` once more, with [`SERVE`] set, under the limits on open files that `ulimit` sets
    /// by these options.
    async fn start(test: &str, limits: &str) -> Self {
        let settings = tempfile::tempdir().unwrap();
        let address = own_process::settings_in(settings.path());
        let mut process = Command::new("sh")
            .args(["-c", &format!("ulimit {limits} && exec \"$0\" \"$@\"")])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture"])
            .env(SERVE, address.as_str())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let ports = loop {
            let line = lines.next_line().await.unwrap().unwrap();
            if let Ok(ports) = serde_json::from_str(&line) {
                break ports;
            }
        };
        // What it says later has to go somewhere.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let service = Self {
            process,
            _settings: settings,
            ports,
        };
        service.is_ready().await;
        service
    }

    /// Waits until it is.
    async fn is_ready(&self) {
        while self.ready().await != 200 {
            tokio::task::yield_now().await;
        }
    }

    async fn stop(mut self) {
        self.process.kill().await.unwrap();
    }

    async fn ready(&self) -> u16 {
        let mut probe = Client::connect(self.ports.admin).await;
        probe.send("GET /readyz HTTP/1.1\r\nhost: a\r\n\r\n").await;
        probe.status().await.unwrap()
    }

    /// So many connections: those of which every fourth is, that have been answered once, and those that have said
    /// nothing.
    async fn crowd(&self, count: usize) -> (Vec<Client>, Vec<Client>) {
        let connect = |i| async move {
            let mut client = Client::connect(self.ports.service).await;
            let asks = i % 4 == 0;
            if asks {
                client.send(HELLO).await;
                assert_eq!(client.status().await, Some(200), "connection {i}");
            }
            (client, asks)
        };
        let crowd: Vec<_> = stream::iter(0..count)
            .map(connect)
            .buffered(AT_ONCE)
            .collect()
            .await;
        let (answered, silent): (Vec<_>, Vec<_>) = crowd.into_iter().partition(|(_, asks)| *asks);
        let clients =
            |crowd: Vec<(Client, bool)>| crowd.into_iter().map(|(client, _)| client).collect();
        (clients(answered), clients(silent))
    }
}

/// What the process does that was started to serve.
async fn serve(settings: &str) {
    let args = own_process::args(settings, &["--die-with-parent"]);
    let build = |_: Context<AuthSettings>| async {
        let hello = warp::path!("hello")
            .and(warp::get())
            .map(|| reply::json(&json!("hello")));
        Ok::<_, BoxError>(Application::new(hello.boxed()))
    };
    service_kit::run(ServiceName::Auth, args, build)
        .await
        .unwrap();
}

fn may_open(files: u64) {
    let limit = getrlimit(Resource::Nofile);
    let hard = limit.maximum.unwrap_or(u64::MAX);
    assert!(
        hard >= files,
        "this test opens {files} files, and may open {hard} at most: raise the hard limit (ulimit -Hn)"
    );
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, raised).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_idle_connections_are_kept_and_everybody_else_is_answered() {
    if let Ok(settings) = std::env::var(SERVE) {
        return serve(&settings).await;
    }
    may_open(FILES_NEEDED);
    // As systems start programs: it has to raise the limit itself.
    let service = Service::start(
        "crowd::ten_thousand_idle_connections_are_kept_and_everybody_else_is_answered",
        "-Sn 1024",
    )
    .await;
    let (answered, silent) = service.crowd(CROWD).await;
    for _ in 0..100 {
        somebody_else_is_answered(service.ports.service).await;
        assert_eq!(service.ready().await, 200);
    }
    // They were kept: a load balancer's connections are idle now and then, and good for the next request.
    assert_eq!(answered.len(), CROWD / 4);
    for mut client in answered {
        client.send(HELLO).await;
        assert_eq!(client.status().await, Some(200));
    }
    drop(silent);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_idle_connections_than_there_are_files_shut_nobody_out() {
    if let Ok(settings) = std::env::var(SERVE) {
        return serve(&settings).await;
    }
    may_open(FILES_NEEDED);
    let service = Service::start(
        "crowd::more_idle_connections_than_there_are_files_shut_nobody_out",
        "-n 512",
    )
    .await;
    let (mut answered, silent) = service.crowd(2_000).await;
    for _ in 0..100 {
        somebody_else_is_answered(service.ports.service).await;
        assert_eq!(service.ready().await, 200);
    }
    answered.remove(0).gets_closed().await;
    drop((answered, silent));
    service.stop().await;
}
