//! A private PostgreSQL, gone with the test.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// A cluster of its own, reached over a socket in a folder of its own.
pub(crate) struct Postgres {
    folder: TempDir,
}

impl Postgres {
    /// Makes and starts a cluster.
    pub(crate) fn start() -> Self {
        // PostgreSQL refuses root, and its user cannot enter root's folders: not in the home of
        // whoever runs the tests, but where everybody may.
        let folder = tempfile::tempdir_in("/tmp").unwrap();
        if rustix::process::geteuid().is_root() {
            run(Command::new("chown").arg("postgres").arg(folder.path()));
        }
        let postgres = Self { folder };
        let data = postgres.data();
        run(program("initdb")
            .args(["--no-sync", "-U", "postgres", "-A", "trust", "-D"])
            .arg(data));
        postgres.boot();
        postgres.sql("postgres", "CREATE DATABASE loans_db");
        postgres
    }

    /// Starts the server; after [`Self::halt`], again.
    pub(crate) fn boot(&self) {
        let options = format!(
            "-c listen_addresses= -c fsync=off -k {}",
            self.folder.path().display()
        );
        let mut start = program("pg_ctl");
        start.args(["-w", "-o", &options, "-l"]);
        run(start
            .arg(self.folder.path().join("log"))
            .arg("-D")
            .arg(self.data())
            .arg("start"));
    }

    /// Stops the server; its data stays.
    pub(crate) fn halt(&self) {
        let mut stop = program("pg_ctl");
        run(stop
            .args(["-w", "-m", "immediate", "-D"])
            .arg(self.data())
            .arg("stop"));
    }

    /// The address of the database.
    pub(crate) fn url(&self) -> String {
        let folder = self.folder.path().display().to_string();
        format!(
            "postgres://postgres@localhost/loans_db?host={}",
            folder.replace('/', "%2F")
        )
    }

    /// The answer to a query on `loans_db`: columns between bars, one line per row.
    pub(crate) fn query(&self, sql: &str) -> String {
        self.sql("loans_db", sql)
    }

    /// Keeps everybody from writing to `table`, until what is returned is dropped.
    pub(crate) fn hold_writes(&self, table: &str) -> Held {
        let mut session = program("psql");
        session
            .args(["-U", "postgres", "-d", "loans_db", "-qAt", "-h"])
            .arg(self.folder.path());
        let session = session.stdin(Stdio::piped()).stdout(Stdio::null());
        let mut held = Held(session.spawn().unwrap());
        let lock = format!("BEGIN; LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE;\n");
        let input = held.0.stdin.as_mut().unwrap();
        input.write_all(lock.as_bytes()).unwrap();
        let is_held = format!(
            "SELECT count(*) FROM pg_locks JOIN pg_class ON pg_class.oid = relation \
             WHERE relname = '{table}' AND mode = 'ShareRowExclusiveLock' AND granted"
        );
        while self.query(&is_held) == "0" {
            assert!(held.0.try_wait().unwrap().is_none(), "it was never held");
        }
        held
    }

    /// What the server says to a statement that it refuses.
    pub(crate) fn refuses(&self, sql: &str) -> String {
        let output = self.psql("loans_db", sql).output().unwrap();
        assert!(!output.status.success(), "it was not refused: {sql}");
        String::from_utf8(output.stderr).unwrap()
    }

    fn sql(&self, database: &str, sql: &str) -> String {
        run(&mut self.psql(database, sql))
    }

    fn psql(&self, database: &str, sql: &str) -> Command {
        let mut psql = program("psql");
        psql.args(["-U", "postgres", "-d", database, "-h"])
            .arg(self.folder.path())
            .args(["-v", "ON_ERROR_STOP=1", "-qAtc", sql]);
        psql
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }
}

/// A table that nobody else may write to.
pub(crate) struct Held(Child);

impl Drop for Held {
    fn drop(&mut self) {
        // psql ends with its input, and its session with it.
        drop(self.0.stdin.take());
        drop(self.0.wait());
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let mut stop = program("pg_ctl");
        stop.args(["-m", "immediate", "-D"])
            .arg(self.data())
            .arg("stop");
        drop(stop.stdout(Stdio::null()).stderr(Stdio::null()).status());
    }
}

/// A program of PostgreSQL's, as the user it runs as.
fn program(name: &str) -> Command {
    let path = installed(name);
    let mut command = if rustix::process::geteuid().is_root() {
        let mut command = Command::new("setpriv");
        command.args([
            "--reuid",
            "postgres",
            "--regid",
            "postgres",
            "--clear-groups",
        ]);
        command.arg(path);
        command
    } else {
        Command::new(path)
    };
    command.current_dir("/");
    command
}

fn installed(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let mut found: Vec<PathBuf> = versions
        .filter_map(|version| Some(version.ok()?.path().join("bin").join(name)))
        .filter(|path| Path::new(path).exists())
        .collect();
    found.sort();
    found.pop().unwrap_or_else(|| {
        panic!("these tests need PostgreSQL: {name} is not in /usr/lib/postgresql/*/bin")
    })
}

fn run(command: &mut Command) -> String {
    // pg_ctl's server keeps its parent's pipes open: a file takes the output instead.
    let file = tempfile::NamedTempFile::new().unwrap();
    let output = || Stdio::from(file.reopen().unwrap());
    let errors = tempfile::NamedTempFile::new().unwrap();
    let status = command
        .stdin(Stdio::null())
        .stdout(output())
        .stderr(Stdio::from(errors.reopen().unwrap()))
        .status()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = std::fs::read_to_string(file.path()).unwrap();
    let said = std::fs::read_to_string(errors.path()).unwrap();
    assert!(status.success(), "{command:?}: {text}{said}");
    text.trim().to_owned()
}
