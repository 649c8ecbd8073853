//! One `loanctl` to a state directory.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;

/// File of the lock in a state directory.
pub(crate) const LOCK_FILE: &str = "lock";

/// A held lock. The kernel releases it when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct StateLock {
    _file: File,
}

/// A lock that cannot be had.
#[derive(Debug)]
pub(crate) enum LockError {
    /// Another process holds it; its id, where it wrote one.
    Held(Option<u32>),
    /// The lock file cannot be opened or locked.
    File(io::Error),
}

impl StateLock {
    pub(crate) fn take(path: &Path) -> Result<Self, LockError> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(LockError::File)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LockError::Held(holder(&mut file))),
            Err(TryLockError::Error(error)) => return Err(LockError::File(error)),
        }
        write_holder(&mut file).map_err(LockError::File)?;
        Ok(Self { _file: file })
    }
}

/// The process that runs on `state_dir`, if one does.
#[must_use]
pub fn running_on(state_dir: &Path) -> Option<RunningHome> {
    let mut file = File::open(state_dir.join(LOCK_FILE)).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Some(RunningHome {
            pid: holder(&mut file),
        }),
        Ok(()) | Err(TryLockError::Error(_)) => None,
    }
}

/// A home that runs in another process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunningHome {
    /// The process, as far as it said.
    pub pid: Option<u32>,
}

fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn write_holder(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())?;
    file.flush()
}
