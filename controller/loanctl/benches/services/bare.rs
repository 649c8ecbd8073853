//! The same flow with nothing but the flow: no idempotency, no resilience, no telemetry, no audit, no limits. What a first
//! version would be; never to be run for anybody.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::net::TcpListener;
use uuid::Uuid;
use warp::Filter;
use warp::http::StatusCode;
use warp::reply::{Json, WithStatus};

/// Says to this program which of the two it is to be.
pub(crate) const ROLE: &str = "BENCH_SERVICES_ROLE";
/// Where auth is found.
pub(crate) const AUTH: &str = "BENCH_SERVICES_AUTH";
/// Where scoring is found, or the provider.
pub(crate) const SCORING: &str = "BENCH_SERVICES_SCORING";
/// The table of its own that the flow writes to.
pub(crate) const TABLE: &str = "CREATE TABLE IF NOT EXISTS bare_applications (
    application_id VARCHAR(50) PRIMARY KEY, user_id TEXT NOT NULL, amount NUMERIC(12, 2) NOT NULL, term_months INT NOT NULL,
    income NUMERIC(12, 2) NOT NULL, status VARCHAR(10) NOT NULL DEFAULT 'RECEIVED', interest_rate NUMERIC(5, 2),
    score INT, risk_band TEXT, created_at TIMESTAMPTZ NOT NULL DEFAULT now(), decided_at TIMESTAMPTZ)";
/// Connections to the database, as many as the loan API has.
const CONNECTIONS: u32 = 10;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Application {
    #[serde(skip_deserializing)]
    application_id: String,
    user_id: String,
    amount: String,
    #[serde(skip_serializing)]
    term_months: i32,
    income: String,
}

#[derive(Deserialize)]
struct Verified {
    active: bool,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Scored {
    score: i32,
    provider: String,
    #[serde(default)]
    risk_band: String,
}

struct Bare {
    http: reqwest::Client,
    auth: String,
    scoring: String,
    database: PgPool,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Serves as `role` until it is killed.
#[expect(clippy::disallowed_methods, reason = "it is to be without bounds")]
pub(crate) async fn serve(role: &str) {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let database = PgPoolOptions::new().max_connections(CONNECTIONS);
    let bare = Arc::new(Bare {
        http: reqwest::Client::builder().no_proxy().build().unwrap(),
        auth: variable(AUTH),
        scoring: variable(SCORING),
        database: database.connect_lazy(&variable("DATABASE_URL")).unwrap(),
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let line = json!({"service": listener.local_addr().unwrap()});
    println!("{line}");
    let shared = warp::any().map(move || Arc::clone(&bare));
    let posted = warp::post().and(shared);
    if role == "scoring" {
        let score = warp::path!("score")
            .and(posted)
            .and(warp::body::json())
            .then(|bare: Arc<Bare>, asked| async move { answer(bare.score(&asked).await) });
        warp::serve(score).incoming(listener).run().await;
    } else {
        let apply = warp::path!("loan" / "apply")
            .and(posted)
            .and(warp::body::json())
            .and(warp::header("authorization"))
            .then(|bare: Arc<Bare>, asked, token: String| async move {
                answer(bare.apply(asked, &token).await)
            });
        warp::serve(apply).incoming(listener).run().await;
    }
}

fn answer<T: Serialize>(result: Result<T, Failure>) -> WithStatus<Json> {
    match result {
        Ok(content) => warp::reply::with_status(warp::reply::json(&content), StatusCode::OK),
        Err(error) => {
            let reply = warp::reply::json(&error.to_string());
            warp::reply::with_status(reply, StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

impl Bare {
    async fn apply(
        &self,
        mut asked: Application,
        token: &str,
    ) -> Result<impl Serialize + use<>, Failure> {
        let token = token.trim_start_matches("Bearer ");
        let verify = self.http.post(format!("{}/verify", self.auth));
        let verified = verify.json(&json!({"token": token})).send().await?;
        if !verified.json::<Verified>().await?.active {
            return Err("no good token".into());
        }
        asked.application_id = format!("app-{}", Uuid::now_v7());
        let insert = sqlx::query(
            "INSERT INTO bare_applications (application_id, user_id, amount, term_months, income) \
             VALUES ($1, $2, $3::text::numeric, $4, $5::text::numeric)",
        );
        insert
            .bind(&asked.application_id)
            .bind(&asked.user_id)
            .bind(&asked.amount)
            .bind(asked.term_months)
            .bind(&asked.income)
            .execute(&self.database)
            .await?;
        let score = self
            .http
            .post(format!("{}/score", self.scoring))
            .json(&asked);
        let scored: Scored = score.send().await?.error_for_status()?.json().await?;
        let is_approved = scored.score >= 620;
        let (status, rate) = if is_approved {
            ("APPROVED", Some(11.9))
        } else {
            ("REJECTED", None)
        };
        let update = sqlx::query(
            "UPDATE bare_applications SET status = $2, interest_rate = $3::float8::numeric, score = $4, risk_band = $5, \
                 decided_at = now() WHERE application_id = $1 AND status = 'RECEIVED'",
        );
        update
            .bind(&asked.application_id)
            .bind(status)
            .bind(rate)
            .bind(scored.score)
            .bind(&scored.risk_band)
            .execute(&self.database)
            .await?;
        Ok(json!({"applicationId": asked.application_id, "status": status, "interestRate": rate}))
    }

    async fn score(&self, asked: &serde_json::Value) -> Result<Scored, Failure> {
        let ask = self
            .http
            .post(format!("{}/v1/scores", self.scoring))
            .json(asked);
        let mut scored: Scored = ask.send().await?.error_for_status()?.json().await?;
        scored.risk_band = if scored.score >= 700 { "LOW" } else { "MEDIUM" }.to_owned();
        Ok(scored)
    }
}
