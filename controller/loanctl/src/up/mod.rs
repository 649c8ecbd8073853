//! `loanctl up`: everything on this machine, in the foreground.

mod first_platform;
mod logs;
mod screen;

use std::future::Future;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use engine::clock::Clock;
use engine::controller::{self, Ended, Hints, Terms, World};
use engine::lease::LeaseTerms;
use engine::reconcile::Pace;
use engine::tally::Tally;
use engine::touched::Word;
use futures::StreamExt;
use futures::stream::BoxStream;
use local_adapter::{Home, HomeConfig, HomeError, LocalAlarms};
use schema::names::PlatformName;
use service_kit::server::{BindError, Server};
use tokio::task::JoinHandle;
use tokio_stream::wrappers::BroadcastStream;
use tokio_util::sync::CancellationToken;

use crate::cli::UpArgs;
use crate::exit::SUCCESS;
use crate::http::{self, Access};
use crate::{kubeconfig, signals};
use screen::Screen;

/// Nothing is far on one machine: looking often is cheap, and edits are seen at once.
const PACE: Pace = Pace {
    moving: Duration::from_millis(250),
    concurrency: 8,
    resync: Duration::from_secs(1),
    listing: Duration::from_secs(1),
    removal: Duration::from_secs(10),
};

/// Longest wait for requests to the console while stopping.
const CONSOLE_DRAIN: Duration = Duration::from_secs(1);

/// Password of the private database, in the state directory.
const PASSWORD_FILE: &str = "local/secrets/postgres-password";

/// How kubectl finds the controller, in the state directory.
const KUBECONFIG_FILE: &str = "kubeconfig";

pub(crate) fn run(args: &UpArgs) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    runtime.block_on(up(args))?;
    // Nothing is left to wait for: services, database and documents are closed by now.
    runtime.shutdown_background();
    Ok(ExitCode::from(SUCCESS))
}

async fn up(args: &UpArgs) -> anyhow::Result<()> {
    let stop = signals::listen()?;
    let screen = Screen;
    let console = bind_console(args).await?;
    logs::init(&args.state)?;
    let private_database = args.database_url.is_none();
    let password_file = private_database.then(|| args.state.join(PASSWORD_FILE));
    let home = tokio::select! {
        home = Home::start(home_config(args), |step| screen.progress(&step, password_file.as_deref())) => home?,
        () = stop.cancelled() => return Ok(()),
    };
    let running = Running::start(&home, console, &args.state, screen).await;
    let outcome = match running {
        Ok(running) => running.until(&stop).await,
        Err(error) => Err(error),
    };
    screen.stopping();
    home.shutdown().await;
    screen.stopped();
    outcome
}

fn home_config(args: &UpArgs) -> HomeConfig {
    HomeConfig {
        state_dir: args.state.clone(),
        specs_dir: args.specs.clone(),
        programs_dir: args.programs.clone(),
        api_port: args.api_port,
        first_platform: first_platform::among(&args.specs),
        database_url: args.database_url.clone(),
    }
}

async fn bind_console(args: &UpArgs) -> anyhow::Result<Server> {
    let port = args.console_port;
    http::bind(([127, 0, 0, 1], port).into())
        .await
        .map_err(|BindError { source, .. }| {
            if let Some(other) = local_adapter::running_on(&args.state) {
                return HomeError::AlreadyRunning {
                    path: args.state.clone(),
                    pid: other.pid,
                }
                .into();
            }
            anyhow::anyhow!(
                "port {port} of the controller is in use or not allowed ({source}); \
             choose another with --console-port"
            )
        })
}

/// A hint whenever an alarm changes its state, so that a bad change is taken back at once.
fn alarm_moves(alarms: &LocalAlarms) -> BoxStream<'static, (PlatformName, Word)> {
    // What a slow reader misses, the next look finds.
    let moves = BroadcastStream::new(alarms.subscribe());
    moves
        .filter_map(|moved| {
            std::future::ready(
                moved
                    .ok()
                    .map(|moved| (moved.platform, Word::of_a_move_to(moved.to))),
            )
        })
        .boxed()
}

/// What runs beside the home: the controller, its HTTP port, and the screen.
struct Running {
    controller: JoinHandle<Result<Ended, controller::StartError>>,
    console: JoinHandle<()>,
    narrator: JoinHandle<()>,
    stop: CancellationToken,
}

impl Running {
    async fn start(
        home: &Home,
        console: Server,
        state_dir: &Path,
        screen: Screen,
    ) -> anyhow::Result<Self> {
        let hints = Hints {
            specs: home
                .watch_specs()
                .context("cannot watch the specs directory")?
                .into_stream()
                .boxed(),
            platforms: alarm_moves(&home.alarms()),
        };
        let clock = Clock::system();
        let world = World {
            compute: home.compute(),
            alarms: home.alarms(),
            documents: home.documents(),
            board: Arc::new(http::board(&clock)),
            clock,
            tally: Arc::new(Tally::default()),
        };
        let stop = CancellationToken::new();
        let address = console.address();
        let kubeconfig = state_dir.join(KUBECONFIG_FILE);
        kubeconfig::write(&kubeconfig, &kubeconfig::of(address, None))
            .with_context(|| format!("cannot write {}", kubeconfig.display()))?;
        let narrator =
            tokio::spawn(screen.narrate(Arc::clone(&world.board), address, state_dir.to_owned()));
        let routes = http::routes(http::Port {
            board: Arc::clone(&world.board),
            tally: Arc::clone(&world.tally),
            home: Arc::new(|_| ()),
            documents: Arc::clone(&world.documents),
            alarms: Arc::clone(&world.alarms),
            access: Access::Loopback,
            viewers: Arc::default(),
            stop: stop.clone(),
        });
        let console = tokio::spawn(console.serve(routes, None, stop.clone(), CONSOLE_DRAIN));
        // The lock on the state directory keeps every other controller out.
        let terms = Terms {
            pace: PACE,
            lease: LeaseTerms::Exclusive,
        };
        let controller = controller::run(world, terms, hints, stop.clone().cancelled_owned());
        Ok(Self {
            controller: tokio::spawn(controller),
            console,
            narrator,
            stop,
        })
    }

    /// Runs until `stop`, or until the controller ends by itself, which it never should.
    async fn until(self, stop: &CancellationToken) -> anyhow::Result<()> {
        let Self {
            mut controller,
            console,
            narrator,
            stop: ours,
        } = self;
        let ended = tokio::select! {
            () = stop.cancelled() => None,
            ended = &mut controller => Some(ended),
        };
        ours.cancel();
        narrator.abort();
        let ended = match ended {
            Some(ended) => ended,
            None => controller.await,
        };
        finished(console).await;
        let ended = ended.context("the controller broke down")?;
        ended.context("the controller cannot run")?;
        Ok(())
    }
}

async fn finished(task: impl Future<Output = Result<(), tokio::task::JoinError>>) {
    if let Err(error) = task.await {
        tracing::error!(
            cause = &error as &dyn std::error::Error,
            "The HTTP port broke down."
        );
    }
}
