//! Which requests may be sent again to another task after one failed them: pure.

use http::{HeaderMap, Method};
use schema::names::ServiceName;

/// Header that makes an application safe to send twice.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// What is to know of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    /// Sending it again does no harm, whatever the first task made of it.
    Harmless,
    /// It may be sent again where the connection was an old one: a task closes idle connections,
    /// and one that was closed has read nothing.
    OnOldConnection,
    /// It may be sent again only where nothing of it was sent.
    Never,
}

/// How a failure of a task came about, before any byte of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// A connection that had served other requests before.
    OldConnection,
    /// A new connection: the task was there and is gone.
    NewConnection,
}

/// Sorts a request. An `Idempotency-Key` makes any request harmless to repeat, and so are those
/// that only ask: scores, verifications, tokens.
pub(super) fn repeat(
    target: ServiceName,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
) -> Repeat {
    let asks_only = matches!(
        (target, path),
        (ServiceName::Scoring, "/score") | (ServiceName::Auth, "/verify" | "/oauth/token")
    );
    if method.is_idempotent() || headers.contains_key(IDEMPOTENCY_KEY) || asks_only {
        Repeat::Harmless
    } else if target == ServiceName::LoanApi {
        Repeat::Never
    } else {
        Repeat::OnOldConnection
    }
}

/// Whether to send it again.
pub(super) fn may_repeat(repeat: Repeat, broken: Broken) -> bool {
    match repeat {
        Repeat::Harmless => true,
        Repeat::OnOldConnection => broken == Broken::OldConnection,
        Repeat::Never => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_application_without_a_key_is_never_sent_twice() {
        let none = HeaderMap::new();
        let sorted = repeat(ServiceName::LoanApi, &Method::POST, "/loan/apply", &none);
        assert_eq!(sorted, Repeat::Never);
        assert!(!may_repeat(sorted, Broken::OldConnection));
        assert!(!may_repeat(sorted, Broken::NewConnection));
    }

    #[test]
    fn a_key_or_a_harmless_method_makes_a_request_repeatable() {
        let mut keyed = HeaderMap::new();
        keyed.insert("idempotency-key", "1".parse().expect("a value"));
        let cases = [
            (ServiceName::LoanApi, Method::POST, "/loan/apply", &keyed),
            (
                ServiceName::LoanApi,
                Method::GET,
                "/loan/applications/app-1",
                &HeaderMap::new(),
            ),
            (
                ServiceName::Scoring,
                Method::POST,
                "/score",
                &HeaderMap::new(),
            ),
            (
                ServiceName::Auth,
                Method::POST,
                "/verify",
                &HeaderMap::new(),
            ),
        ];
        for (target, method, path, headers) in cases {
            let sorted = repeat(target, &method, path, headers);
            assert!(may_repeat(sorted, Broken::NewConnection), "{method} {path}");
        }
    }

    #[test]
    fn the_providers_attempts_are_counted_so_only_unread_ones_are_repeated() {
        let sorted = repeat(
            ServiceName::ScoreProvider,
            &Method::POST,
            "/v1/scores",
            &HeaderMap::new(),
        );
        assert!(may_repeat(sorted, Broken::OldConnection));
        assert!(!may_repeat(sorted, Broken::NewConnection));
    }
}
