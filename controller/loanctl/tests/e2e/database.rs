//! The private PostgreSQL of a laptop, looked into from outside.

use std::fs;

use serde_json::Value;
use sqlx::{Connection, PgConnection, Row};

use crate::laptop::Laptop;

/// An application as it is stored.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) status: String,
    /// As text with two decimals; absent when there is none.
    pub(crate) interest_rate: Option<String>,
    pub(crate) user_id: String,
}

/// The row of an application in `database`.
pub(crate) async fn application(laptop: &Laptop, database: &str, id: &str) -> Option<Stored> {
    let mut connection = PgConnection::connect(&url(laptop, database)).await.unwrap();
    let query = sqlx::query(
        "SELECT status, interest_rate::text, user_id FROM loan_applications WHERE application_id = $1",
    );
    let row = query
        .bind(id)
        .fetch_optional(&mut connection)
        .await
        .unwrap()?;
    Some(Stored {
        status: row.get(0),
        interest_rate: row.get(1),
        user_id: row.get(2),
    })
}

/// The address of `database`.
pub(crate) fn url(laptop: &Laptop, database: &str) -> String {
    let local = laptop.state().join("local");
    let record = fs::read_to_string(local.join("postgres.json")).unwrap();
    let record: Value = serde_json::from_str(&record).unwrap();
    let password = fs::read_to_string(local.join("secrets/postgres-password")).unwrap();
    let (password, port) = (password.trim(), &record["port"]);
    format!("postgres://loans:{password}@127.0.0.1:{port}/{database}")
}
