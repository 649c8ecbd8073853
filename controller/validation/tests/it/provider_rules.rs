//! Timeouts, retries and breakers between fields.

use crate::support::assert_problems;

#[test]
fn attempts_and_pauses_that_do_not_fit_the_timeout_state_their_sum() {
    assert_problems(
        &[("maxAttempts: 2", "maxAttempts: 3")],
        &[
            "error dev.yaml:31:20: spec.services.scoring.clients.provider.timeout: attempts can take 825ms (3 × 250ms attemptTimeout + 75ms of backoff), more than the timeout of 550ms (raise timeout, or lower attemptTimeout, retry.maxAttempts or the backoff)",
        ],
    );
}

#[test]
fn a_timeout_that_fits_its_attempts_to_the_millisecond_is_taken() {
    assert_problems(&[("timeout: 550ms", "timeout: 525ms")], &[]);
}

#[test]
fn a_timeout_one_millisecond_short_is_refused() {
    assert_problems(
        &[("timeout: 550ms", "timeout: 524ms")],
        &[
            "error dev.yaml:31:20: spec.services.scoring.clients.provider.timeout: attempts can take 525ms (2 × 250ms attemptTimeout + 25ms of backoff), more than the timeout of 524ms (raise timeout, or lower attemptTimeout, retry.maxAttempts or the backoff)",
        ],
    );
}

#[test]
fn an_attempt_longer_than_the_call_is_one_problem() {
    assert_problems(
        &[("attemptTimeout: 250ms", "attemptTimeout: 560ms")],
        &[
            "error dev.yaml:32:27: spec.services.scoring.clients.provider.attemptTimeout: attemptTimeout 560ms is longer than timeout 550ms (allowed: at most 550ms, the timeout of the call)",
        ],
    );
}

#[test]
fn a_first_backoff_above_the_longest_is_refused() {
    assert_problems(
        &[
            ("initialBackoff: 25ms", "initialBackoff: 20ms"),
            ("maxBackoff: 100ms", "maxBackoff: 10ms"),
        ],
        &[
            "error dev.yaml:35:29: spec.services.scoring.clients.provider.retry.initialBackoff: initialBackoff 20ms is longer than maxBackoff 10ms (allowed: at most 10ms, the maxBackoff)",
        ],
    );
}

#[test]
fn a_call_longer_than_its_caller_waits_is_refused() {
    assert_problems(
        &[("timeout: 550ms", "timeout: 601ms")],
        &[
            "error dev.yaml:31:20: spec.services.scoring.clients.provider.timeout: timeout 601ms is longer than the loan API waits: spec.services.loanApi.clients.scoring.timeout is 600ms (allowed: at most 600ms)",
        ],
    );
}

#[test]
fn a_scoring_timeout_above_the_request_deadline_is_refused() {
    assert_problems(
        &[("timeout: 600ms", "timeout: 751ms")],
        &[
            "error dev.yaml:20:20: spec.services.loanApi.clients.scoring.timeout: timeout 751ms is longer than requestDeadline 750ms (allowed: at most 750ms, the requestDeadline)",
        ],
    );
}

#[test]
fn an_auth_timeout_as_long_as_the_request_deadline_is_refused() {
    assert_problems(
        &[
            ("requestDeadline: 750ms", "requestDeadline: 200ms"),
            ("timeout: 600ms", "timeout: 200ms"),
            ("timeout: 550ms", "timeout: 180ms"),
            ("attemptTimeout: 250ms", "attemptTimeout: 70ms"),
            (
                "slowCallDurationThreshold: 200ms",
                "slowCallDurationThreshold: 50ms",
            ),
            (
                "          bulkhead: {maxConcurrentCalls: 64}\n",
                "          circuitBreaker: {slowCallDurationThreshold: 100ms}\n",
            ),
        ],
        &[
            "error dev.yaml:18:20: spec.services.loanApi.clients.auth.timeout: timeout 200ms leaves nothing of requestDeadline 200ms (allowed: less than 200ms, the requestDeadline)",
        ],
    );
}

#[test]
fn an_unusable_timeout_silences_only_the_rules_that_read_it() {
    assert_problems(
        &[
            ("attemptTimeout: 250ms", "attemptTimeout: 9h"),
            ("timeout: 550ms", "timeout: 601ms"),
            ("maxAttempts: 2", "maxAttempts: 9"),
        ],
        &[
            "error dev.yaml:31:20: spec.services.scoring.clients.provider.timeout: timeout 601ms is longer than the loan API waits: spec.services.loanApi.clients.scoring.timeout is 600ms (allowed: at most 600ms)",
            "error dev.yaml:32:27: spec.services.scoring.clients.provider.attemptTimeout: `9h` is outside 1ms to 30s",
        ],
    );
}

#[test]
fn a_wait_in_the_open_state_above_its_maximum_is_refused() {
    assert_problems(
        &[(
            "waitDurationInOpenState: 5s",
            "waitDurationInOpenState: 61s",
        )],
        &[
            "error dev.yaml:47:38: spec.services.scoring.clients.provider.circuitBreaker.waitDurationInOpenState: waitDurationInOpenState 61s is longer than maxWaitDurationInOpenState 1m (allowed: at most 1m, the maxWaitDurationInOpenState)",
        ],
    );
}

#[test]
fn a_slow_call_threshold_that_no_attempt_can_reach_is_a_warning() {
    assert_problems(
        &[(
            "slowCallDurationThreshold: 200ms",
            "slowCallDurationThreshold: 250ms",
        )],
        &[
            "warning dev.yaml:43:40: spec.services.scoring.clients.provider.circuitBreaker.slowCallDurationThreshold: no call can ever count as slow: slowCallDurationThreshold is 250ms, and calls end at attemptTimeout 250ms (allowed: less than 250ms, the attemptTimeout)",
        ],
    );
}

#[test]
fn a_slow_call_threshold_that_no_scoring_call_can_reach_is_a_warning() {
    assert_problems(
        &[(
            "          timeout: 600ms\n",
            "          timeout: 600ms\n          circuitBreaker: {slowCallDurationThreshold: 600ms}\n",
        )],
        &[
            "warning dev.yaml:21:55: spec.services.loanApi.clients.scoring.circuitBreaker.slowCallDurationThreshold: no call can ever count as slow: slowCallDurationThreshold is 600ms, and calls end at timeout 600ms (allowed: less than 600ms, the timeout)",
        ],
    );
}

#[test]
fn the_default_slow_call_threshold_warns_at_the_nearest_field_there_is() {
    assert_problems(
        &[
            ("            slowCallDurationThreshold: 200ms\n", ""),
            ("attemptTimeout: 250ms", "attemptTimeout: 150ms"),
        ],
        &[
            "warning dev.yaml:39:11: spec.services.scoring.clients.provider.circuitBreaker.slowCallDurationThreshold: no call can ever count as slow: slowCallDurationThreshold is 200ms, and calls end at attemptTimeout 150ms (allowed: less than 150ms, the attemptTimeout)",
        ],
    );
}

#[test]
fn a_disabled_breaker_does_not_warn_about_slow_calls() {
    assert_problems(
        &[
            ("mode: Enabled", "mode: Disabled"),
            ("attemptTimeout: 250ms", "attemptTimeout: 150ms"),
        ],
        &[],
    );
}
