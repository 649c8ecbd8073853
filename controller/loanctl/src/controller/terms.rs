//! How often the controller looks, and on what terms it may change anything.

use std::time::Duration;

use aws_adapter::CALL_TIMEOUT;
use aws_adapter::quota::QuotaConfig;
use engine::controller::Terms;
use engine::lease::{LeaseTerms, Shared};
use engine::reconcile::Pace;

use crate::cli::ControllerArgs;

/// As many reconciles at once as there are platforms: each only waits, for AWS or for its turn, and one that
/// takes a change back must not wait for the others.
const UNBOUNDED: u16 = 0;
/// How long a spec file must be missing before it counts as removed.
const REMOVAL: Duration = Duration::from_mins(5);
/// Calls that fit into the time to live of a lease.
const CALLS_PER_TTL: u32 = 3;

pub(super) fn of(args: &ControllerArgs) -> Terms {
    Terms {
        pace: Pace {
            concurrency: UNBOUNDED,
            moving: args.poll.0,
            resync: args.resync.0,
            listing: args.poll.0,
            removal: REMOVAL.min(args.resync.0),
        },
        lease: LeaseTerms::Shared(Shared {
            holder: holder(),
            ttl: args.lease.0,
            call_timeout: call_timeout(args),
        }),
    }
}

/// Longest time that a call may take: well below the lease's time to live.
fn call_timeout(args: &ControllerArgs) -> Duration {
    CALL_TIMEOUT.min(args.lease.0 / CALLS_PER_TTL)
}

pub(super) fn quotas(args: &ControllerArgs) -> QuotaConfig {
    QuotaConfig {
        share_percent: args.quota_share,
        limits: args.quota.iter().map(|it| (it.family, it.limit)).collect(),
    }
}

/// Who holds the lease, for people: the host, and something that no other process has.
fn holder() -> String {
    let host = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    format!("{host} {}", uuid::Uuid::now_v7())
}
