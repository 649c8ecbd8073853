//! From the settings of the scoring client to its policy.

use resilience::{PolicyConfig, RetryConfig};
use schema::platform::ScoringClient;
use service_kit::dependency;

/// The policy that `client` asks for. A call is made once: a retry here would multiply those that
/// scoring makes itself.
pub(super) fn config(client: &ScoringClient, target: &str) -> PolicyConfig {
    let timeout = client.timeout.get();
    PolicyConfig {
        target: target.to_owned(),
        timeout,
        attempt_timeout: timeout,
        retry: RetryConfig::NEVER,
        breaker: dependency::breaker(&client.circuit_breaker),
        bulkhead: dependency::bulkhead(client.bulkhead),
    }
}
