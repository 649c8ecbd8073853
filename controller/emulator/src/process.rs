//! The emulators' processes.

use std::fs::File;
use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use process_wrap::tokio::{ChildWrapper, CommandWrap, KillOnDrop, ProcessGroup};
use tokio::process::Command;
use tokio::time::{Instant, sleep};

use crate::error::EmulatorError;
use crate::install::{Install, stand_ins};
use crate::proxy::Backend;

/// Both are ready in about a second; on a busy machine with nothing compiled yet it takes longer.
const READY_WITHIN: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(25);
/// Another process may take the port between the look and the start.
const ATTEMPTS: usize = 4;
/// Lines of an emulator's output that an error carries.
const LAST_LINES: usize = 20;

/// An emulator to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// ECS, S3, SQS, SNS, `EventBridge`, Secrets Manager and more. With `rollouts`, ECS starts tasks.
    Ministack { rollouts: bool },
    /// `CloudWatch` and Application Auto Scaling.
    Moto,
}

/// A running emulator. It ends when this is dropped, and when the thread that started it does.
#[derive(Debug)]
pub(crate) struct Emulator {
    pub(crate) backend: Backend,
    process: Box<dyn ChildWrapper>,
}

impl Emulator {
    /// Starts `program` on a free port, with its state and its output in `folder`.
    pub(crate) async fn start(
        program: Program,
        install: &Install,
        folder: &Path,
    ) -> Result<Self, EmulatorError> {
        let mut attempt = 1;
        loop {
            let launch = Launch::prepare(program, folder)?;
            match launch.run(install).await {
                Err(EmulatorError::Ended { .. }) if attempt < ATTEMPTS => attempt += 1,
                done => return done,
            }
        }
    }

    pub(crate) async fn stop(mut self) {
        // It may have ended by itself; there is nobody to tell.
        drop(self.process.start_kill());
        drop(self.process.wait().await);
    }
}

/// One attempt to start an emulator.
struct Launch {
    program: Program,
    port: u16,
    state: PathBuf,
    output: PathBuf,
}

impl Launch {
    fn prepare(program: Program, folder: &Path) -> Result<Self, EmulatorError> {
        let port = free_port().map_err(EmulatorError::io("find a free port"))?;
        let state = folder.join(format!("{}-{port}", program.name()));
        std::fs::create_dir_all(&state).map_err(EmulatorError::io("make a state folder"))?;
        Ok(Self {
            program,
            port,
            output: state.join("output.log"),
            state,
        })
    }

    async fn run(self, install: &Install) -> Result<Emulator, EmulatorError> {
        let command = self.command(install);
        let command = command.map_err(EmulatorError::io("make a log file"))?;
        let process = CommandWrap::from(command)
            .wrap(ProcessGroup::leader())
            .wrap(KillOnDrop)
            .spawn()
            .map_err(EmulatorError::io("run setpriv (Debian package util-linux)"))?;
        let backend = Backend::new(self.port);
        let mut emulator = Emulator { backend, process };
        self.ready(&mut emulator).await?;
        Ok(emulator)
    }

    /// The kernel ends the program when the thread that started it does, however it does.
    fn command(&self, install: &Install) -> io::Result<Command> {
        let output = File::create(&self.output)?;
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", "--"])
            .arg(install.python())
            .args(["-u", "-m", self.program.module()])
            .current_dir(&self.state)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", &self.state)
            .env("TMPDIR", &self.state)
            // Compiled when installed; what is not lies among the sources here.
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("AWS_ACCESS_KEY_ID", crate::prepare::ACCESS_KEY_ID)
            .env("AWS_SECRET_ACCESS_KEY", crate::prepare::SECRET_ACCESS_KEY)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output);
        self.program.configure(&mut command, self.port, &self.state);
        Ok(command)
    }

    async fn ready(&self, emulator: &mut Emulator) -> Result<(), EmulatorError> {
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            let healthy = emulator.backend.is_healthy(self.program.health()).await;
            // Asked second: whoever answers on the port of a program that ended is somebody else.
            let ended = emulator.process.try_wait();
            match ended.map_err(EmulatorError::io("look after an emulator"))? {
                Some(status) => return Err(self.ended(status)),
                None if healthy => return Ok(()),
                None if Instant::now() > deadline => return Err(self.not_ready()),
                None => sleep(POLL).await,
            }
        }
    }

    fn ended(&self, status: ExitStatus) -> EmulatorError {
        EmulatorError::Ended {
            name: self.program.name(),
            status,
            output: last_lines(&self.output),
        }
    }

    fn not_ready(&self) -> EmulatorError {
        EmulatorError::NotReady {
            name: self.program.name(),
            within: READY_WITHIN,
            output: last_lines(&self.output),
        }
    }
}

impl Program {
    const fn name(self) -> &'static str {
        match self {
            Self::Ministack { .. } => "ministack",
            Self::Moto => "moto",
        }
    }

    const fn module(self) -> &'static str {
        match self {
            Self::Ministack { .. } => "ministack",
            Self::Moto => "moto.server",
        }
    }

    const fn health(self) -> &'static str {
        match self {
            Self::Ministack { .. } => "/_ministack/health",
            Self::Moto => "/moto-api/",
        }
    }

    fn configure(self, command: &mut Command, port: u16, state: &Path) {
        let port = port.to_string();
        match self {
            Self::Moto => {
                command.args(["-H", "127.0.0.1", "-p", &port]);
            }
            Self::Ministack { rollouts } => {
                command
                    .env("GATEWAY_PORT", port)
                    // Without it, it listens to the whole network.
                    .env("BIND_HOST", "127.0.0.1")
                    .env("IOT_MTLS_ENABLED", "0")
                    .env("SFTP_ENABLED", "0")
                    .env("STATE_DIR", state)
                    .env("MINISTACK_ACCOUNT_ID", crate::prepare::ACCOUNT_ID);
                if rollouts {
                    command.env("PYTHONPATH", stand_ins());
                }
            }
        }
    }
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

fn last_lines(file: &Path) -> String {
    let text = match std::fs::read(file) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => return format!("(its output cannot be read: {error})"),
    };
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
}
