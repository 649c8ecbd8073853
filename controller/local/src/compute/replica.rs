//! One task: a child process, its output, its health, its end.

use std::io;
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use tokio::process::Command;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::health::{self, Checker, Report};
use super::output::{Listening, Output};
use super::task_log::TaskLog;
use crate::front::Backend;
use crate::launcher::{Child, Launcher};

/// After a task ended, how long what it wrote last may take to be read.
const OUTPUT_GRACE: Duration = Duration::from_millis(500);

/// Something that happened to a task.
#[derive(Debug)]
pub(crate) enum Event {
    /// It serves at this address.
    Listening(SocketAddr),
    /// Its health was checked.
    Checked(Report),
    /// Its process ended; why, and its last words.
    Ended(String),
}

/// An event and the task it happened to.
pub(crate) type TaskEvent = (String, Event);

/// What a task is told.
#[derive(Debug)]
pub(crate) enum Order {
    /// Finish the requests under way and end. The front, where it was in one, settles first.
    Drain(Option<Arc<Backend>>),
    /// End now, and all that it started.
    Kill,
}

/// What a task is started with.
pub(crate) struct Birth {
    pub(crate) id: String,
    pub(crate) command: Command,
    pub(crate) output: Output,
    pub(crate) client: reqwest::Client,
    pub(crate) events: mpsc::Sender<TaskEvent>,
}

/// A started task.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) pid: Option<u32>,
    /// Orders to it. Room for a drain and a kill; more says nothing new.
    pub(crate) orders: mpsc::Sender<Order>,
}

/// Starts a task and follows it in the background until it ends.
pub(crate) async fn start(launcher: &Launcher, birth: Birth) -> io::Result<Running> {
    let Birth {
        id,
        command,
        output,
        client,
        events,
    } = birth;
    let child = launcher.launch(command).await?;
    let (orders, inbox) = mpsc::channel(4);
    let pid = child.id();
    let report = Reporter { id, events };
    tokio::spawn(follow(child, output, client, report, inbox));
    Ok(Running { pid, orders })
}

#[derive(Clone, Debug)]
struct Reporter {
    id: String,
    events: mpsc::Sender<TaskEvent>,
}

impl Reporter {
    /// A supervisor that went away needs no news: the task's end follows from its own.
    async fn tell(&self, event: Event) {
        drop(self.events.send((self.id.clone(), event)).await);
    }
}

async fn follow(
    mut child: Child,
    output: Output,
    client: reqwest::Client,
    report: Reporter,
    mut orders: mpsc::Receiver<Order>,
) {
    let log = Arc::clone(&output.log);
    let (found, listening) = oneshot::channel();
    let reading = tokio::spawn(read_output(&mut child, output, found));
    let checking = tokio::spawn(check_health(listening, client, report.clone()));
    let ended = wait_for_end(&mut child, &mut orders).await;
    checking.abort();
    // Lines still in the pipe say why it ended. A grandchild may hold the pipe open, so not for ever.
    drop(timeout(OUTPUT_GRACE, reading).await);
    report
        .tell(Event::Ended(obituary(&ended, &log).await))
        .await;
}

fn read_output(
    child: &mut Child,
    output: Output,
    found: oneshot::Sender<Listening>,
) -> impl Future<Output = ()> + Send + use<> {
    let (stdout, stderr) = (child.stdout().take(), child.stderr().take());
    let errors = output.clone();
    async move {
        let stdout = async {
            if let Some(pipe) = stdout {
                output.read_stdout(pipe, found).await;
            }
        };
        let stderr = async {
            if let Some(pipe) = stderr {
                errors.read_stderr(pipe).await;
            }
        };
        tokio::join!(stdout, stderr);
    }
}

async fn check_health(
    listening: oneshot::Receiver<Listening>,
    client: reqwest::Client,
    report: Reporter,
) {
    let Ok(Listening { service, admin }) = listening.await else {
        return;
    };
    report.tell(Event::Listening(service)).await;
    let mut checker = Checker::new(client, admin);
    let mut ticks = interval(health::INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Some(found) = checker.check().await {
            report.tell(Event::Checked(found)).await;
        }
    }
}

/// Waits for the process to end, doing as told meanwhile. A supervisor that went away means: kill.
async fn wait_for_end(
    child: &mut Child,
    orders: &mut mpsc::Receiver<Order>,
) -> io::Result<ExitStatus> {
    loop {
        let order = tokio::select! {
            ended = child.wait() => return ended,
            order = orders.recv() => order.unwrap_or(Order::Kill),
        };
        let done = match order {
            Order::Drain(backend) => {
                if let Some(backend) = backend {
                    backend.settle().await;
                }
                child.signal(rustix::process::Signal::TERM.as_raw())
            }
            Order::Kill => {
                child.start_kill()?;
                return child.wait().await;
            }
        };
        if let Err(error) = done {
            // It has just ended by itself; waiting tells how.
            tracing::debug!(%error, "a task could not be signalled");
        }
    }
}

async fn obituary(ended: &io::Result<ExitStatus>, log: &Mutex<TaskLog>) -> String {
    let how = match ended {
        Ok(status) => match (status.code(), status.signal()) {
            (Some(code), _) => format!("it ended with exit code {code}"),
            (None, Some(signal)) => format!("it was ended by signal {signal}"),
            (None, None) => "it ended".to_owned(),
        },
        Err(error) => format!("its end could not be observed: {error}"),
    };
    match log.lock().await.tail() {
        tail if tail.is_empty() => how,
        tail => format!("{how}; it last wrote:\n{tail}"),
    }
}
