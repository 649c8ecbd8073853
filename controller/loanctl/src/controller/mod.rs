//! `loanctl controller`: the production process. It keeps the platforms of one bucket on AWS.

mod emf;
mod metrics;
mod terms;
mod unclaimed;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use aws_adapter::{AwsHome, QueueWatch};
use engine::clock::Clock;
use engine::controller::{self, Ended, Hints, World};
use engine::tally::Tally;
use futures::StreamExt;
use service_kit::server::Server;
use service_kit::telemetry::logs;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use self::emf::Emitter;
use self::metrics::Sources;
use self::unclaimed::Search;
use crate::cli::ControllerArgs;
use crate::exit::SUCCESS;
use crate::http::{self, Access};
use crate::{kubeconfig, place, signals};

/// Longest time that a stop may take: ECS kills a task thirty seconds after it asked it to stop.
const STOP: Duration = Duration::from_secs(25);
/// Longest wait for requests to the HTTP port while stopping.
const HTTP_DRAIN: Duration = Duration::from_secs(1);
/// Longest wait at the end for metrics to be written.
const LAST_METRICS: Duration = Duration::from_secs(1);

pub(crate) fn run(args: &ControllerArgs) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    runtime.block_on(keep_platforms(args))?;
    // Long polls may still be under way; nothing depends on them.
    runtime.shutdown_background();
    Ok(ExitCode::from(SUCCESS))
}

async fn keep_platforms(args: &ControllerArgs) -> anyhow::Result<()> {
    let config = place::home(&args.place, terms::quotas(args))?;
    let terms = terms::of(args);
    let access = Access::to(args.listen, args.token.as_deref())?;
    let stop = signals::listen()?;
    let log = logs::init(args.log, &args.log_level)?;
    tokio::spawn(log.tell_of_dropped());
    let port = http::bind(args.listen).await;
    let port = port.with_context(|| {
        format!(
            "cannot serve on {}; choose another address with --listen",
            args.listen
        )
    })?;
    write_kubeconfig(args, &port)?;
    let home = AwsHome::open(config).await;
    let home = home.context("cannot open the store")?;
    serve(&home, args, (port, access), terms, stop).await
}

/// Tells kubectl where the controller is, where somebody wants that.
fn write_kubeconfig(args: &ControllerArgs, port: &Server) -> anyhow::Result<()> {
    let Some(path) = &args.kubeconfig else {
        return Ok(());
    };
    let config = kubeconfig::of(port.address(), args.token.as_deref());
    kubeconfig::write(path, &config).with_context(|| format!("cannot write {}", path.display()))
}

async fn serve(
    home: &AwsHome,
    args: &ControllerArgs,
    (port, access): (Server, Access),
    terms: engine::controller::Terms,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let clock = Clock::system();
    let world = World {
        compute: home.compute(),
        alarms: home.alarms(),
        documents: home.documents(),
        board: Arc::new(http::board(&clock)),
        clock,
        tally: Arc::new(Tally::default()),
    };
    let queue = args.place.queue.as_ref().map(|url| home.watch(url.clone()));
    tracing::info!(address = %port.address(), bucket = home.bucket(), "The controller serves.");
    let (found, unclaimed) = watch::channel(None);
    let search = Search {
        inventory: home.inventory(),
        board: Arc::clone(&world.board),
        engine: Arc::clone(&world.tally),
        found,
    };
    let searching = tokio::spawn(search.repeat_until(stop.clone()));
    let sources = Sources {
        unclaimed,
        board: Arc::clone(&world.board),
        engine: Arc::clone(&world.tally),
        calls: home.tally(),
        queue: queue.as_ref().map(|queue| Arc::clone(&queue.tally)),
    };
    let emission = args
        .emits_metrics()
        .then(|| Emitter::new(sources.clone(), home.bucket()).start())
        .transpose()
        .context("cannot emit metrics")?;
    let metrics = metrics::of(sources);
    let routes = http::routes(http::Port {
        board: Arc::clone(&world.board),
        tally: Arc::clone(&world.tally),
        home: metrics,
        documents: Arc::clone(&world.documents),
        alarms: Arc::clone(&world.alarms),
        access,
        viewers: Arc::default(),
        stop: stop.clone(),
    });
    let http = tokio::spawn(port.serve(routes, None, stop.clone(), HTTP_DRAIN));
    let (hints, _polling) = hints(queue);
    let running = controller::run(world, terms, hints, stop.clone().cancelled_owned());
    let ended = within_reason(running, &stop).await;
    stop.cancel();
    http.await.context("the HTTP port broke down")?;
    searching.await.context("the inventory broke down")?;
    if let Some(emission) = emission {
        emission.stop(LAST_METRICS).await;
    }
    conclude(ended?)
}

/// Runs until it ends; once it is asked to stop, no longer than [`STOP`].
async fn within_reason<T>(
    running: impl Future<Output = T>,
    stop: &CancellationToken,
) -> anyhow::Result<T> {
    let overdue = async {
        stop.cancelled().await;
        tokio::time::sleep(STOP).await;
    };
    tokio::select! {
        ended = running => Ok(ended),
        () = overdue => anyhow::bail!("stopping took longer than {} s; what was under way is abandoned", STOP.as_secs()),
    }
}

/// A lease that was lost ends the process: whatever starts it again makes it a standby.
fn conclude(ended: Result<Ended, controller::StartError>) -> anyhow::Result<()> {
    match ended.context("the controller cannot run")? {
        Ended::Stopped => {
            tracing::info!("The controller has stopped.");
            Ok(())
        }
        Ended::LeaseLost => anyhow::bail!("the lease was lost: another controller takes over"),
    }
}

fn hints(queue: Option<QueueWatch>) -> (Hints, Option<aws_adapter::Polling>) {
    let Some(queue) = queue else {
        tracing::info!("There is no queue: changes are found by polling.");
        let hints = Hints {
            specs: futures::stream::pending().boxed(),
            platforms: futures::stream::pending().boxed(),
        };
        return (hints, None);
    };
    let hints = Hints {
        specs: queue.specs,
        platforms: queue.platforms,
    };
    (hints, Some(queue.polling))
}
