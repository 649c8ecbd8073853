//! Both emulators and what stands in front of them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use crate::api::Api;
use crate::error::EmulatorError;
use crate::fault::{Fault, FaultGuard};
use crate::install::Install;
use crate::journal::Call;
use crate::process::{Emulator, Program};
use crate::proxy::{self, Proxy};

/// How the emulators are to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The region that the preparations of a test are made in; it must be the clients' own.
    pub region: String,
    /// Have ECS start tasks by its own rollout logic: a deployment is `IN_PROGRESS` until they run,
    /// and an image whose name contains `crash` fails it. Deployments complete at once otherwise.
    pub rollouts: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            region: "eu-central-1".to_owned(),
            rollouts: false,
        }
    }
}

/// Running emulators. They end when this is dropped, and with the process, however it ends.
#[derive(Debug)]
pub struct Emulators {
    pub(crate) proxy: Arc<Proxy>,
    pub(crate) region: String,
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Emulators {
    /// Starts both emulators and the port in front of them, on loopback.
    ///
    /// They have a thread and a runtime of their own, so they may be shared by tests that each have
    /// theirs: the kernel would end a child with the *thread* that started it.
    ///
    /// # Errors
    /// When they are not installed, or do not start.
    pub async fn start(options: Options) -> Result<Self, EmulatorError> {
        let install = Install::find()?;
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = oneshot::channel();
        let rollouts = options.rollouts;
        let thread = thread::Builder::new()
            .name("emulators".to_owned())
            .spawn(move || live(&install, rollouts, tell, stopped))
            .map_err(EmulatorError::io("start a thread"))?;
        let (proxy, address) = told.await.map_err(|_| EmulatorError::Stopped)??;
        Ok(Self {
            proxy,
            region: options.region,
            address,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// The one endpoint of all services, as in `http://127.0.0.1:41001`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Has calls go wrong until the guard is dropped.
    pub fn inject(&self, fault: Fault) -> FaultGuard {
        self.proxy.faults.inject(fault)
    }

    /// How often clients called what. The preparations of a test do not count.
    #[must_use]
    pub fn calls(&self) -> BTreeMap<Api, u64> {
        self.proxy.journal.counts()
    }

    /// The latest 10,000 calls, the oldest first.
    #[must_use]
    pub fn call_log(&self) -> Vec<Call> {
        self.proxy.journal.log()
    }

    /// Forgets all calls.
    pub fn reset_calls(&self) {
        self.proxy.journal.reset();
    }
}

impl Drop for Emulators {
    fn drop(&mut self) {
        // Either end may be gone already when the thread has panicked.
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

type Started = Result<(Arc<Proxy>, SocketAddr), EmulatorError>;

/// What the thread does: start everything, tell, and serve until it is told to stop.
fn live(
    install: &Install,
    rollouts: bool,
    tell: oneshot::Sender<Started>,
    stopped: oneshot::Receiver<()>,
) {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(EmulatorError::io("start a runtime"));
    let started = runtime.and_then(|it| {
        let running = it.block_on(Running::start(install, rollouts))?;
        Ok((it, running))
    });
    match started {
        // A caller that went away wants nothing any more.
        Err(error) => drop(tell.send(Err(error))),
        Ok((runtime, running)) => {
            if tell.send(Ok(running.summary())).is_ok() {
                running.serve(&runtime, stopped);
            }
        }
    }
}

struct Running {
    proxy: Arc<Proxy>,
    listener: TcpListener,
    address: SocketAddr,
    emulators: [Emulator; 2],
    _folder: TempDir,
}

impl Running {
    async fn start(install: &Install, rollouts: bool) -> Result<Self, EmulatorError> {
        let folder = TempDir::with_prefix("emulators-");
        let folder = folder.map_err(EmulatorError::io("make a folder"))?;
        let path = folder.path();
        let (ministack, moto) = tokio::try_join!(
            Emulator::start(Program::Ministack { rollouts }, install, path),
            Emulator::start(Program::Moto, install, path),
        )?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await;
        let listener = listener.map_err(EmulatorError::io("listen on loopback"))?;
        let address = listener.local_addr();
        let proxy = Proxy::new(ministack.backend.clone(), moto.backend.clone());
        Ok(Self {
            proxy: Arc::new(proxy),
            address: address.map_err(EmulatorError::io("read a socket's address"))?,
            listener,
            emulators: [ministack, moto],
            _folder: folder,
        })
    }

    fn summary(&self) -> (Arc<Proxy>, SocketAddr) {
        (Arc::clone(&self.proxy), self.address)
    }

    fn serve(self, runtime: &Runtime, stopped: oneshot::Receiver<()>) {
        runtime.block_on(async {
            tokio::select! {
                () = proxy::serve(self.proxy, self.listener) => {}
                // Ends when the other end is dropped.
                _ = stopped => {}
            }
            for emulator in self.emulators {
                emulator.stop().await;
            }
        });
    }
}
