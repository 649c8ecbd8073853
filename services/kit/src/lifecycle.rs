//! From arguments to a running service, and from a signal to a clean end.

use std::future::Future;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use schema::names::{PlatformName, ServiceName};
use schema::signals::Metric;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::CancellationToken;
use warp::Filter;

use crate::admin::Admin;
use crate::args::ServiceArgs;
use crate::client::Hosts;
use crate::open_files;
use crate::parent::{self, ParentError};
use crate::problem::Problem;
use crate::readiness::Readiness;
use crate::server::{BindError, RouteTable, Routes, Server};
use crate::settings::{self, Report, Settings, SettingsGauges, SourceError, Watcher};
use crate::tasks::Tasks;
use crate::telemetry::logs::{self, LogError, LogLevel};
use crate::telemetry::metrics::{Emission, Emitter, GoldenSignals, Metrics};
use crate::telemetry::traces::{self, TracesError};

/// Any error that keeps a service from being built.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Between saying "not ready" and refusing connections, so that a front that polls can react.
const LAME_DUCK: Duration = Duration::from_millis(300);
/// The admin port has nothing worth waiting for.
const ADMIN_DRAIN: Duration = Duration::from_millis(200);

/// Longest wait at the end for metrics to be written: when nobody reads standard output, nobody ever will.
const LAST_METRICS: Duration = Duration::from_secs(1);
/// Longest wait at the end for spans to be sent.
const LAST_SPANS: Duration = Duration::from_secs(2);

/// What a service is built from.
pub struct Context<S> {
    /// The platform.
    pub platform: PlatformName,
    /// The settings, with a first valid document.
    pub settings: Settings<S>,
    /// The metrics.
    pub metrics: Metrics,
    /// Where other services are found.
    pub hosts: Hosts,
    /// What stands in the way of being ready.
    pub readiness: Readiness,
    /// Work that a stop waits for.
    pub tasks: Tasks,
}

/// What a service serves.
pub struct Application {
    routes: Routes,
}

impl Application {
    /// A service with these routes on its service port.
    #[must_use]
    pub const fn new(routes: Routes) -> Self {
        Self { routes }
    }
}

/// Why a service ends other than by a signal.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A port cannot be bound.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// Logging cannot be set up.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Traces cannot be exported as the environment wants it.
    #[error(transparent)]
    Traces(#[from] TracesError),
    /// The settings' address is of no use.
    #[error(transparent)]
    Settings(#[from] SourceError),
    /// The process cannot be tied to its parent.
    #[error(transparent)]
    Parent(#[from] ParentError),
    /// Signals cannot be received, or standard output is closed.
    #[error("cannot start: {0}")]
    Io(#[from] io::Error),
    /// The service's own part failed.
    #[error("{service} cannot be built: {source}")]
    Build {
        /// The service.
        service: ServiceName,
        /// What went wrong.
        source: BoxError,
    },
}

/// Runs a service until it is told to stop; `build` makes its own part, once there are settings.
///
/// # Errors
/// When it cannot start; a signal is a clean end.
pub async fn run<S, F, B>(service: ServiceName, args: ServiceArgs, build: F) -> Result<(), RunError>
where
    S: DeserializeOwned + Serialize + PartialEq + Clone + Send + Sync + 'static,
    F: FnOnce(Context<S>) -> B,
    B: Future<Output = Result<Application, BoxError>>,
{
    if let Some(expected) = args.die_with_parent {
        parent::die_with_parent(expected)?;
    }
    let signals = Signals::new()?;
    let log = logs::init(args.log, &args.log_level)?;
    tokio::spawn(log.tell_of_dropped());
    let traces = traces::init(service, &args.platform)?;
    let process = Process::new(service, args);
    let watcher = process.watcher::<S>()?;
    let serving = process.serve(log.level(), watcher.report()).await?;
    let ended = tokio::select! {
        ended = process.work(watcher, build) => ended,
        signal = signals.received() => {
            tracing::info!(signal, "stopping");
            Ok(())
        }
    };
    process.stop(serving).await;
    if let Some(traces) = traces {
        traces.stop(LAST_SPANS).await;
    }
    tracing::info!("stopped");
    ended
}

/// What lives as long as the process.
struct Process {
    service: ServiceName,
    args: ServiceArgs,
    metrics: Metrics,
    readiness: Readiness,
    tasks: Tasks,
    routes: RouteTable,
}

impl Process {
    fn new(service: ServiceName, args: ServiceArgs) -> Self {
        let readiness = Readiness::default();
        readiness.hold("settings", "none yet");
        Self {
            service,
            metrics: Metrics::new(&args.platform, service),
            readiness,
            tasks: Tasks::default(),
            routes: RouteTable::new(starting()),
            args,
        }
    }

    fn watcher<S>(&self) -> Result<Watcher<S>, RunError>
    where
        S: DeserializeOwned + Serialize + PartialEq + Clone,
    {
        Ok(Watcher::new(
            self.args.platform.clone(),
            self.service,
            settings::source_of(&self.args.settings)?,
            self.args.settings_interval,
            SettingsGauges {
                epoch: self.metrics.own().gauge(Metric::SettingsEpoch),
                sequence: self.metrics.own().gauge(Metric::SettingsSequence),
                refused: self.metrics.own().gauge(Metric::SettingsRefused),
            },
        ))
    }

    /// Binds both ports, serves them, and says so.
    async fn serve(
        &self,
        log_level: LogLevel,
        settings: Arc<Mutex<Report>>,
    ) -> Result<Serving, RunError> {
        let service = Server::bind(self.args.listen).await?;
        let admin = Server::bind(self.args.admin).await?;
        // Before anything is logged: whoever started this reads it as the first line.
        announce(&service, &admin)?;
        let open_files = open_files::raise();
        let connections = open_files::connections(open_files);
        tracing::info!(connections, open_files, "connections served at once");
        let service = service.with_connections(connections);
        let shown = Admin {
            readiness: self.readiness.clone(),
            settings,
            metrics: self.metrics.clone(),
            log_level,
        };
        let golden = GoldenSignals::new(&self.metrics);
        let drain = self.args.drain_deadline.saturating_sub(LAME_DUCK);
        let (stop, end) = (CancellationToken::new(), CancellationToken::new());
        let admin_routes = RouteTable::new(shown.routes());
        let mut emitter = Emitter::new(self.metrics.clone());
        let emit = move || emitter.emit(SystemTime::now(), &mut io::stdout().lock());
        Ok(Serving {
            service: tokio::spawn(service.serve(
                self.routes.clone(),
                Some(golden),
                stop.clone(),
                drain,
            )),
            admin: tokio::spawn(admin.serve(admin_routes, None, end.clone(), ADMIN_DRAIN)),
            metrics: Emission::start(emit, self.args.metrics_interval)?,
            stop,
            end,
        })
    }

    /// Waits for settings, builds the service's own part, and watches settings from then on.
    async fn work<S, F, B>(&self, mut watcher: Watcher<S>, build: F) -> Result<(), RunError>
    where
        S: DeserializeOwned + Serialize + PartialEq + Clone + Send + Sync + 'static,
        F: FnOnce(Context<S>) -> B,
        B: Future<Output = Result<Application, BoxError>>,
    {
        let settings = watcher.first().await;
        self.readiness.hold("start", "not built yet");
        self.readiness.release("settings");
        let context = Context {
            platform: self.args.platform.clone(),
            settings,
            metrics: self.metrics.clone(),
            hosts: self.args.hosts.clone(),
            readiness: self.readiness.clone(),
            tasks: self.tasks.clone(),
        };
        let service = self.service;
        let building = build(context);
        let built = async {
            let application = building
                .await
                .map_err(|source| RunError::Build { service, source })?;
            self.routes.replace(application.routes);
            self.readiness.release("start");
            tracing::info!(%service, "started");
            std::future::pending::<Result<(), RunError>>().await
        };
        tokio::select! {
            failed = built => failed,
            () = watcher.run() => Ok(()),
        }
    }

    /// Says "not ready", lets fronts react, finishes what is under way, and flushes metrics.
    async fn stop(&self, serving: Serving) {
        self.readiness.hold("stopping", "asked to stop");
        tokio::time::sleep(LAME_DUCK).await;
        serving.stop.cancel();
        let drained = async {
            report_failure("service port", serving.service.await);
            self.tasks.stop().await;
        };
        let deadline = self.args.drain_deadline.saturating_sub(LAME_DUCK);
        if tokio::time::timeout(deadline, drained).await.is_err() {
            tracing::warn!(?deadline, "work cut off at the drain deadline");
        }
        serving.end.cancel();
        report_failure("admin port", serving.admin.await);
        serving.metrics.stop(LAST_METRICS).await;
    }
}

/// The ports being served and the metrics being emitted, and what ends them.
struct Serving {
    stop: CancellationToken,
    service: JoinHandle<()>,
    end: CancellationToken,
    admin: JoinHandle<()>,
    metrics: Emission,
}

/// What the service port answers until the service is built.
fn starting() -> Routes {
    warp::any()
        .map(|| Problem::unavailable("STARTING", "the service is starting").into_response())
        .boxed()
}

/// The one line on standard output that says where both ports are.
fn announce(service: &Server, admin: &Server) -> io::Result<()> {
    let line = serde_json::json!({
        "event": "listening",
        "service": service.address(),
        "admin": admin.address(),
    });
    writeln!(io::stdout().lock(), "{line}")
}

fn report_failure(task: &str, ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(task, %error, "a part of the service failed");
    }
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn received(mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
