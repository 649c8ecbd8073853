//! The platforms' databases: siblings on one server.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use engine::ports::PortError;
use schema::names::PlatformName;
use serde::{Deserialize, Serialize};
use sqlx::{Connection, PgConnection};
use url::Url;

use crate::error::HomeError;
use crate::state_dir::{RecordError, read_record, write_record};

/// Database that every server has, to make others from.
const MAINTENANCE_DATABASE: &str = "postgres";

/// Databases by platform.
#[derive(Debug)]
pub(crate) struct Databases {
    /// The first platform's database; its siblings differ in the name only.
    base: Url,
    path: PathBuf,
    record: Mutex<Record>,
}

/// Which platform has the database of the base name. Kept, or a platform would lose its
/// applications when another one takes the first place.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Record {
    base_platform: Option<PlatformName>,
    siblings: BTreeMap<PlatformName, String>,
}

impl Databases {
    /// Databases beside `base`; `first` has that one itself, if nobody has it yet.
    pub(crate) fn open(
        base: Url,
        path: PathBuf,
        first: Option<PlatformName>,
    ) -> Result<Self, RecordError> {
        let mut record: Record = read_record(&path)?.unwrap_or_default();
        let known = |name: &PlatformName| record.siblings.contains_key(name);
        if record.base_platform.is_none() && !first.as_ref().is_some_and(known) {
            record.base_platform = first;
        }
        Ok(Self {
            base,
            path,
            record: Mutex::new(record),
        })
    }

    /// The database of a platform.
    pub(crate) fn url(&self, platform: &PlatformName) -> Url {
        let record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        let mut url = self.base.clone();
        if let Some(suffix) = record.siblings.get(platform) {
            url.set_path(&format!("{}{suffix}", self.base.path()));
        }
        url
    }

    /// Makes the database of a platform where it is not there.
    pub(crate) async fn ensure(&self, platform: &PlatformName) -> Result<(), PortError> {
        let failed =
            |error| PortError::unavailable(format!("make the database of {platform}"), error);
        self.assign(platform)
            .map_err(|error| PortError::unavailable("keep which database is whose", error))?;
        ensure_database(&self.url(platform)).await.map_err(failed)
    }

    fn assign(&self, platform: &PlatformName) -> Result<(), RecordError> {
        let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        let before = record.clone();
        let base = record.base_platform.get_or_insert_with(|| platform.clone());
        if base != platform && !record.siblings.contains_key(platform) {
            let suffix = format!("_{}", platform.as_str().replace('-', "_"));
            record.siblings.insert(platform.clone(), suffix);
        }
        if before.siblings != record.siblings || !self.path.exists() {
            write_record(&self.path, &*record)?;
        }
        Ok(())
    }
}

/// Checks that the server at `url` can be used.
pub(crate) async fn check(url: &Url) -> Result<(), HomeError> {
    ensure_database(url)
        .await
        .map_err(|error| HomeError::Database {
            url: without_password(url),
            reason: error.to_string(),
        })
}

/// Makes the database that `url` names, where it is not there.
pub(crate) async fn ensure_database(url: &Url) -> Result<(), sqlx::Error> {
    match PgConnection::connect(url.as_str()).await {
        Ok(connection) => return connection.close().await,
        Err(error) if is_missing_database(&error) => {}
        Err(error) => return Err(error),
    }
    let name = url.path().trim_start_matches('/').replace('"', "");
    let mut maintenance = url.clone();
    maintenance.set_path(MAINTENANCE_DATABASE);
    let mut connection = PgConnection::connect(maintenance.as_str()).await?;
    // A name cannot be a parameter; quotes were taken out above.
    let statement = sqlx::AssertSqlSafe(format!("CREATE DATABASE \"{name}\""));
    match sqlx::raw_sql(statement).execute(&mut connection).await {
        Err(error) if !is_duplicate_database(&error) => Err(error),
        _ => connection.close().await,
    }
}

fn is_missing_database(error: &sqlx::Error) -> bool {
    has_code(error, "3D000")
}

fn is_duplicate_database(error: &sqlx::Error) -> bool {
    has_code(error, "42P04")
}

/// Whether PostgreSQL answered with this SQLSTATE (PostgreSQL documentation, appendix A).
fn has_code(error: &sqlx::Error, code: &str) -> bool {
    let found = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    found.is_some_and(|found| found == code)
}

/// The URL as it may be shown.
pub(crate) fn without_password(url: &Url) -> String {
    let mut url = url.clone();
    // Refused only by URLs that cannot have a password.
    url.set_password(None).ok();
    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> PlatformName {
        text.try_into().expect("a name")
    }

    #[test]
    fn a_platform_keeps_its_database_when_another_becomes_the_first() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("databases.json");
        let open = |first| {
            let base = "postgres://u@127.0.0.1/loans_db".parse().expect("a URL");
            Databases::open(base, path.clone(), Some(name(first))).expect("opened")
        };
        let databases = open("local");
        databases.assign(&name("local")).expect("kept");
        databases.assign(&name("eu-1")).expect("kept");
        let databases = open("eu-1");
        databases.assign(&name("eu-1")).expect("kept");

        assert_eq!(databases.url(&name("local")).path(), "/loans_db");
        assert_eq!(databases.url(&name("eu-1")).path(), "/loans_db_eu_1");
    }
}
