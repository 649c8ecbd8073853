//! What this process takes of its machine.

use procfs::process::Process;

/// CPU time until now, in seconds, to a hundredth.
#[expect(clippy::cast_precision_loss, reason = "ticks of a process fit")]
pub(super) fn cpu_s() -> f64 {
    let stat = Process::myself().and_then(|it| it.stat()).unwrap();
    (stat.utime + stat.stime) as f64 / procfs::ticks_per_second() as f64
}

/// Resident memory in MiB.
#[expect(clippy::cast_precision_loss, reason = "memory of a process fits")]
pub(super) fn resident_mib() -> f64 {
    let status = Process::myself().and_then(|it| it.status()).unwrap();
    status.vmrss.unwrap_or_default() as f64 / 1_024.0
}
