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

/// Has the kernel kill this process when its parent dies, however the parent dies. `expected` is the
/// parent's process id, where the parent has said it.
///
/// # Errors
/// When the kernel refuses, or the parent is already gone.
pub(crate) fn die_with_parent(expected: Option<i32>) -> Result<(), ParentError> {
    let at_start = getppid();
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // The parent may have died before the call above: then another process has adopted us, and no
    // signal will come.
    let parent = getppid();
    let is_parent = match expected {
        Some(expected) => parent.is_some_and(|parent| parent.as_raw_nonzero().get() == expected),
        None => parent == at_start && parent.is_some_and(|parent| !parent.is_init()),
    };
    if is_parent {
        Ok(())
    } else {
        Err(ParentError::Gone)
    }
}
