//! What the tests share: a home on real processes, load, and waiting with a bound.
#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use engine::ports::{
    Compute, ObservedService, Permit, ServiceChange, ServiceDefinition, TaskTemplate, Urgency,
};
use local_adapter::{Home, HomeConfig, HomeError};
use schema::names::{PlatformName, ServiceName};
use schema::platform::Image;
use sqlx::{Connection, PgConnection, Row};
use tokio::task::JoinHandle;

/// Longest wait for anything: far above what a busy machine needs.
pub(crate) const BOUND: Duration = Duration::from_secs(60);

/// Folders of a home.
pub(crate) struct Ground {
    root: tempfile::TempDir,
}

impl Ground {
    /// Folders that PostgreSQL's account can reach, and the four services as programs, with a
    /// fifth, `crashing`, that never comes up.
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().expect("a folder");
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).expect("reachable");
        let ground = Self { root };
        fs::create_dir(ground.specs()).expect("made");
        fs::create_dir(ground.programs()).expect("made");
        for name in ServiceName::ALL {
            symlink(
                example("fake_service"),
                ground.programs().join(name.kebab()),
            )
            .expect("linked");
        }
        let crashing = ground.programs().join("crashing");
        fs::write(&crashing, "#!/bin/sh\necho 'no database' >&2\nexit 3\n").expect("written");
        fs::set_permissions(&crashing, fs::Permissions::from_mode(0o755)).expect("runnable");
        ground
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.root.path().join("state")
    }

    pub(crate) fn specs(&self) -> PathBuf {
        self.root.path().join("specs")
    }

    pub(crate) fn programs(&self) -> PathBuf {
        self.root.path().join("programs")
    }

    pub(crate) fn config(&self) -> HomeConfig {
        HomeConfig {
            state_dir: self.state(),
            specs_dir: self.specs(),
            programs_dir: Some(self.programs()),
            api_port: 0,
            first_platform: Some(platform()),
            database_url: None,
        }
    }

    /// Address of the private PostgreSQL's first database.
    pub(crate) fn database_url(&self) -> String {
        let port = &self.record()["port"];
        format!(
            "postgres://loans:{}@127.0.0.1:{port}/loans_db",
            self.password()
        )
    }

    pub(crate) fn password(&self) -> String {
        let path = self.state().join("local/secrets/postgres-password");
        fs::read_to_string(path).expect("a password")
    }

    /// Folder of the private PostgreSQL.
    pub(crate) fn cluster(&self) -> PathBuf {
        self.record()["folder"].as_str().expect("a path").into()
    }

    /// Takes the way in from every account but this one.
    pub(crate) fn close_to_others(&self) {
        fs::set_permissions(self.root.path(), fs::Permissions::from_mode(0o700)).expect("closed");
    }

    fn record(&self) -> serde_json::Value {
        let text = fs::read_to_string(self.state().join("local/postgres.json")).expect("a record");
        serde_json::from_str(&text).expect("JSON")
    }

    pub(crate) async fn start(&self) -> Result<Home, HomeError> {
        Home::start(self.config(), |_| {}).await
    }
}

/// A program built from `examples/`, beside the folder of the test programs.
pub(crate) fn example(name: &str) -> PathBuf {
    let program = std::env::current_exe().expect("this program");
    let folder = program
        .parent()
        .and_then(Path::parent)
        .expect("the build folder");
    folder.join("examples").join(name)
}

pub(crate) fn platform() -> PlatformName {
    "local".try_into().expect("a name")
}

pub(crate) fn template(image: &str) -> TaskTemplate {
    TaskTemplate {
        image: Image(image.to_owned()),
        cpu: 256,
        memory: 512,
    }
}

pub(crate) fn definition(
    platform: PlatformName,
    service: ServiceName,
    count: u32,
) -> ServiceDefinition {
    ServiceDefinition {
        platform,
        service,
        template: template(&format!("{service}:1")),
        count: Some(count),
        scaling: None,
    }
}

pub(crate) async fn create(home: &Home, service: ServiceName, count: u32) {
    let definition = definition(platform(), service, count);
    apply(home, ServiceChange::Create(definition)).await;
    wait_for(home, service, "all tasks to serve", |it| serves(it, count)).await;
}

pub(crate) async fn deploy(home: &Home, service: ServiceName, image: &str) {
    let template = template(image);
    apply(
        home,
        ServiceChange::Deploy {
            platform: platform(),
            service,
            template,
        },
    )
    .await;
}

pub(crate) async fn scale(home: &Home, service: ServiceName, count: u32) {
    apply(
        home,
        ServiceChange::Scale {
            platform: platform(),
            service,
            count,
            scaling: None,
        },
    )
    .await;
}

pub(crate) async fn apply(home: &Home, change: ServiceChange) {
    home.compute()
        .apply(&change, 1, Permit::free())
        .await
        .expect("taken");
}

pub(crate) async fn observe(home: &Home, service: ServiceName) -> ObservedService {
    let platforms = BTreeSet::from([platform()]);
    let found = home
        .compute()
        .observe(&platforms, Urgency::Resync)
        .await
        .expect("observed");
    found
        .found
        .into_iter()
        .find(|it| it.service == service)
        .expect("the service")
}

/// Exactly so many tasks, all serving.
pub(crate) fn serves(service: &ObservedService, count: u32) -> bool {
    service.running() == count as usize && service.tasks.len() == count as usize
}

pub(crate) fn pids(service: &ObservedService) -> Vec<u32> {
    service
        .tasks
        .iter()
        .filter_map(|task| task.status.pid)
        .collect()
}

pub(crate) async fn wait_for(
    home: &Home,
    service: ServiceName,
    what: &str,
    holds: impl Fn(&ObservedService) -> bool,
) -> ObservedService {
    let started = Instant::now();
    loop {
        let observed = observe(home, service).await;
        if holds(&observed) {
            return observed;
        }
        assert!(
            started.elapsed() < BOUND,
            "waited for {what}; last seen: {observed:#?}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub(crate) fn is_alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // A zombie has ended: its parent has not looked yet.
    stat.rsplit(')')
        .next()
        .is_some_and(|rest| !rest.is_empty() && !rest.starts_with(" Z"))
}

pub(crate) async fn wait_until_gone(pids: &[u32]) {
    let started = Instant::now();
    while pids.iter().any(|pid| is_alive(*pid)) {
        assert!(started.elapsed() < BOUND, "still running: {pids:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub(crate) fn kill(pid: u32) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).expect("a pid")).expect("a pid");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("killed");
}

/// Requests that never stop until told.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicUsize>,
    clients: Vec<JoinHandle<Vec<String>>>,
}

impl Load {
    /// Eight clients, half of them reading slowly, half posting.
    pub(crate) fn start(address: SocketAddr, post: &'static str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let sent = Arc::new(AtomicUsize::new(0));
        let clients = (0..8)
            .map(|n| {
                let (stop, sent) = (Arc::clone(&stop), Arc::clone(&sent));
                tokio::spawn(client(address, (n % 2 == 0).then_some(post), stop, sent))
            })
            .collect();
        Self {
            stop,
            sent,
            clients,
        }
    }

    /// Waits until `more` further requests were answered.
    pub(crate) async fn progress(&self, more: usize) {
        let goal = self.sent.load(Ordering::SeqCst) + more;
        let started = Instant::now();
        while self.sent.load(Ordering::SeqCst) < goal {
            assert!(started.elapsed() < BOUND, "the load does not move");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Stops, and returns how many were sent and which failed.
    pub(crate) async fn finish(self) -> (usize, Vec<String>) {
        self.stop.store(true, Ordering::SeqCst);
        let failed = futures::future::join_all(self.clients).await;
        let failed = failed
            .into_iter()
            .flat_map(|it| it.expect("a client"))
            .collect();
        (self.sent.load(Ordering::SeqCst), failed)
    }
}

async fn client(
    address: SocketAddr,
    post: Option<&'static str>,
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicUsize>,
) -> Vec<String> {
    let client = reqwest::Client::new();
    let mut failed = Vec::new();
    while !stop.load(Ordering::SeqCst) {
        let request = match post {
            Some(path) => client
                .post(format!("http://{address}{path}"))
                .header("idempotency-key", uuid::Uuid::new_v4().to_string())
                .body("{}"),
            None => client.get(format!("http://{address}/slow")),
        };
        match request
            .send()
            .await
            .and_then(reqwest::Response::error_for_status)
        {
            Ok(response) => drop(response.bytes().await),
            Err(error) => failed.push(format!("{error:?}")),
        }
        sent.fetch_add(1, Ordering::SeqCst);
    }
    failed
}

/// Processes that `parent` started itself.
pub(crate) fn children_of(parent: u32) -> Vec<u32> {
    let processes = procfs::process::all_processes().expect("processes");
    let stats = processes.filter_map(|it| it.ok()?.stat().ok());
    stats
        .filter(|stat| u32::try_from(stat.ppid) == Ok(parent))
        .filter_map(|stat| u32::try_from(stat.pid).ok())
        .collect()
}

/// Runs SQL in the home's own database, and returns the first number it brings.
pub(crate) async fn query(ground: &Ground, sql: &'static str) -> Option<i32> {
    let mut connection = PgConnection::connect(&ground.database_url())
        .await
        .expect("connected");
    let row = sqlx::query(sql)
        .fetch_optional(&mut connection)
        .await
        .expect("run");
    row.map(|row| row.get(0))
}
