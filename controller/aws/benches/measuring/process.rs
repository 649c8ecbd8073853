//! What this process takes of its machine.

use std::time::Duration;

use procfs::process::Process;
use rustix::time::{ClockId, clock_gettime};

/// CPU time until now. Everything runs on one thread, so what is taken between two calls was taken by what was done
/// between them.
pub(crate) fn cpu() -> Duration {
    clock_gettime(ClockId::ProcessCPUTime).try_into().unwrap()
}

/// Resident memory in MiB.
#[expect(clippy::cast_precision_loss, reason = "memory of a process fits")]
pub(crate) fn resident_mib() -> f64 {
    let status = Process::myself().and_then(|it| it.status()).unwrap();
    status.vmrss.unwrap_or_default() as f64 / 1_024.0
}
