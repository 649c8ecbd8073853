//! The one thread that starts child processes.
//!
//! The kernel sends a child its parent-death signal when the *thread* that started it ends, not the
//! process. A runtime may end its threads whenever it likes, so children are started from a thread
//! that lives as long as the home: they end with it, however it ends.

use std::io;
use std::sync::mpsc;
use std::thread;

use process_wrap::tokio::{ChildWrapper, CommandWrap, KillOnDrop, ProcessGroup};
use tokio::process::Command;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// Starts that may wait for the thread.
const QUEUE: usize = 64;

/// A running child, leader of its own process group.
pub(crate) type Child = Box<dyn ChildWrapper>;

struct Request {
    command: Command,
    reply: oneshot::Sender<io::Result<Child>>,
}

/// Starts child processes. The thread ends with the last clone.
#[derive(Clone, Debug)]
pub(crate) struct Launcher {
    requests: mpsc::SyncSender<Request>,
}

impl Launcher {
    /// Starts the thread. Children report to the runtime that this is called in.
    pub(crate) fn start() -> io::Result<Self> {
        let (requests, queue) = mpsc::sync_channel::<Request>(QUEUE);
        let runtime = Handle::current();
        thread::Builder::new()
            .name("launcher".to_owned())
            .spawn(move || {
                let _entered = runtime.enter();
                while let Ok(request) = queue.recv() {
                    // A caller that went away drops the child, which kills it.
                    drop(request.reply.send(spawn(request.command)));
                }
            })?;
        Ok(Self { requests })
    }

    /// Starts `command` as the leader of a new process group, killed when the child is dropped.
    pub(crate) async fn launch(&self, command: Command) -> io::Result<Child> {
        let (reply, answer) = oneshot::channel();
        let busy = |_| io::Error::other("too many processes are being started");
        self.requests
            .try_send(Request { command, reply })
            .map_err(busy)?;
        answer
            .await
            .map_err(|_| io::Error::other("the launcher has ended"))?
    }
}

fn spawn(command: Command) -> io::Result<Child> {
    CommandWrap::from(command)
        .wrap(ProcessGroup::leader())
        .wrap(KillOnDrop)
        .spawn()
}
