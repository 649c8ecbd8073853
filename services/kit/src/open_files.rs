//! How many files this process may have open, and how many connections that is.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Most connections served at once, however many files there may be. With 16 KiB of half-sent headers each they take
/// 256 MiB, which the smallest of tasks (512 MiB) can bear; idle ones take about 12 KiB.
const MAX_CONNECTIONS: u64 = 16_384;
/// Files kept back for all but clients: the database's pool (10), outgoing calls (a bulkhead admits 64 to each
/// dependency unless settings say otherwise), the admin port's 256 connections, settings, logs.
const RESERVE: u64 = 1_024;

/// Raises the number of files that may be open to the highest that is allowed, and says which that is; nothing where
/// it is unlimited. Most systems start programs with 1,024, for the sake of old ones that cannot count further.
pub(crate) fn raise() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    let highest = Rlimit {
        current: limit.maximum,
        ..limit
    };
    match setrlimit(Resource::Nofile, highest) {
        Ok(()) => highest.current,
        Err(error) => {
            tracing::warn!(%error, limit = limit.current, "the number of open files stays as it was");
            limit.current
        }
    }
}

/// Connections that fit into `open_files`, with a reserve for all else: at least 1.
pub(crate) fn connections(open_files: Option<u64>) -> usize {
    let fitting = open_files.map_or(MAX_CONNECTIONS, |files| {
        // Where files are very few, three in four are still for clients.
        files - RESERVE.min(files / 4)
    });
    usize::try_from(fitting.clamp(1, MAX_CONNECTIONS)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_files_for_all_else_and_have_a_maximum() {
        for (open_files, expected) in [
            (None, 16_384),
            (Some(1_048_576), 16_384),
            (Some(65_535), 16_384),
            (Some(12_000), 10_976),
            (Some(4_096), 3_072),
            (Some(1_024), 768),
            (Some(64), 48),
            (Some(0), 1),
        ] {
            assert_eq!(connections(open_files), expected, "{open_files:?}");
        }
    }
}
