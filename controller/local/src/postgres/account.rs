//! The account that PostgreSQL runs under: it refuses to run as root.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use tokio::process::Command;

use super::Trouble;

/// Accounts to run under instead of root, the better one first.
const CANDIDATES: [&str; 2] = ["postgres", "nobody"];
const PASSWD: &str = "/etc/passwd";

/// The account that PostgreSQL runs under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Account {
    /// This process's own.
    Own,
    /// Another one, because this process is root.
    Other { uid: u32, gid: u32 },
}

impl Account {
    pub(super) fn choose() -> Result<Self, Trouble> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self::Own);
        }
        let passwd =
            fs::read_to_string(PASSWD).map_err(|error| Trouble::Io("read accounts", error))?;
        let found = CANDIDATES.iter().find_map(|name| find(&passwd, name));
        let none = || {
            Trouble::Failed(
                "it does not run as root, and there is no account `postgres`".to_owned(),
            )
        };
        found
            .map(|(uid, gid)| Self::Other { uid, gid })
            .ok_or_else(none)
    }

    /// A command that runs `program` under this account, told to stop when the thread that starts
    /// it ends. `setpriv` sets the signal after it changed the account, which would clear it.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("setpriv");
        if let Self::Other { uid, gid } = self {
            command
                .arg(format!("--reuid={uid}"))
                .arg(format!("--regid={gid}"))
                .arg("--clear-groups");
        }
        command.arg("--pdeathsig=INT").arg("--").arg(program);
        command
    }

    /// Whether it can reach what lies in `path`.
    pub(super) fn can_traverse(&self, path: &Path) -> bool {
        let Self::Other { uid, gid } = self else {
            return true;
        };
        path.ancestors().all(|folder| {
            fs::metadata(folder).is_ok_and(|it| {
                let bit = if it.uid() == *uid {
                    0o100
                } else if it.gid() == *gid {
                    0o010
                } else {
                    0o001
                };
                it.mode() & bit != 0
            })
        })
    }

    /// Makes `path` its own.
    pub(super) fn own(&self, path: &Path) -> std::io::Result<()> {
        match self {
            Self::Own => Ok(()),
            Self::Other { uid, gid } => std::os::unix::fs::chown(path, Some(*uid), Some(*gid)),
        }
    }
}

/// User and group id of an account in `/etc/passwd` (passwd(5)).
fn find(passwd: &str, name: &str) -> Option<(u32, u32)> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == name).then_some(())?;
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some((uid, gid))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_found_by_its_whole_name() {
        let passwd =
            "root:x:0:0::/root:/bin/sh\npostgres2:x:9:9::/:\npostgres:x:104:106::/:/bin/sh";
        assert_eq!(find(passwd, "postgres"), Some((104, 106)));
        assert_eq!(find(passwd, "nobody"), None);
    }
}
