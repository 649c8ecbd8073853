//! Dying with the parent: no service outlives the program that started it.

use rustix::process::{Signal, getppid, set_parent_process_death_signal};

/// Why the process cannot be tied to its parent.
#[derive(Debug, thiserror::Error)]
pub enum ParentError {
    /// The kernel refused.
    #[error("the kernel does not tie this process to its parent: {0}")]
    Refused(#[from] rustix::io::Errno),
    /// The parent died before this process could be tied to it.
    #[error("the parent process is already gone")]
    Gone,
}

/// Has the kernel kill this process when its parent dies, however the parent dies.
///
/// # Errors
/// When the kernel refuses, or the parent is already gone.
pub(crate) fn die_with_parent() -> Result<(), ParentError> {
    let parent = getppid();
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // The parent may have died between our start and the call above: then another process has
    // adopted us, and no signal will come.
    let adopted = getppid() != parent;
    let orphan = parent.is_none_or(rustix::process::Pid::is_init) && std::process::id() != 1;
    if adopted || orphan {
        return Err(ParentError::Gone);
    }
    Ok(())
}
