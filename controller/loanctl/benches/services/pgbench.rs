//! What PostgreSQL alone does of it: the loan API's two statements, by PostgreSQL's own benchmark.

use std::time::Duration;

use tokio::process::Command;

use crate::database;
use crate::laptop::Laptop;

/// The statements as `services/loan-api/src/store/applications.rs` has them, with values like those of the load.
const SCRIPT: &str = "\
\\set id random(1, 9000000000000000000)
INSERT INTO loan_applications (application_id, client_id, idempotency_key, user_id, amount, term_months, income, trace_id, \
lease_until, answered_by) VALUES ('pgbench-' || :id, 'demo', 'pgbench-' || :id, 'bench', 5000, 24, 3000, \
'4bf92f3577b34da6a3ce929d0e0e4736', now() + 2600 * interval '1 ms', now() + 750 * interval '1 ms') \
ON CONFLICT (client_id, idempotency_key) DO NOTHING;
WITH decided AS (UPDATE loan_applications SET status = 'APPROVED', interest_rate = 11.9, rejection_reason = NULL, \
score = 731, risk_band = 'LOW', provider = 'stand-in', scoring_revision = 'scoring-1', settings_revision = 'settings-1', \
policy = '{\"bands\": [{\"riskBand\": \"LOW\", \"minScore\": 700, \"interestRate\": \"11.90\"}, \
{\"riskBand\": \"MEDIUM\", \"minScore\": 620, \"interestRate\": \"17.50\"}], \"maxPaymentToIncome\": 40}', \
needs_review_since = NULL, review_reason = NULL, decided_at = now(), decision_told_at = now() \
WHERE application_id = 'pgbench-' || :id AND decided_at IS NULL RETURNING *) \
INSERT INTO loan_application_audit (application_id, at, event, status, user_id, amount, term_months, income, \
interest_rate, rejection_reason, score, risk_band, provider, scoring_revision, settings_revision, policy, review_reason, \
trace_id) SELECT application_id, decided_at, 'DECIDED', status, user_id, amount, term_months, income, \
interest_rate, rejection_reason, score, risk_band, provider, scoring_revision, settings_revision, policy, review_reason, \
trace_id FROM decided;
";

/// Applications a second with `connections`, over `length`.
pub(crate) async fn applications_per_second(
    laptop: &Laptop,
    connections: usize,
    length: Duration,
) -> f64 {
    let script = laptop.state().join("pgbench.sql");
    std::fs::write(&script, SCRIPT).unwrap();
    let output = Command::new("pgbench")
        .args(["--no-vacuum", "--protocol", "prepared", "--jobs", "2"])
        .args(["--client", &connections.to_string()])
        .args(["--time", &length.as_secs().to_string()])
        .arg("--file")
        .arg(&script)
        .arg(database::url(laptop, "loans_db"))
        .output()
        .await
        .expect("pgbench, which comes with PostgreSQL");
    let said = String::from_utf8_lossy(&output.stdout);
    let failed = String::from_utf8_lossy(&output.stderr);
    let tps = said
        .lines()
        .find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
    tps.unwrap_or_else(|| panic!("pgbench told nothing: {said}{failed}"))
}
