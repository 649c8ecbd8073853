//! Names, types, ranges and patterns: what the JSON Schema checks, in words and in its place.

use crate::support::assert_problems;

#[test]
fn a_misspelt_field_is_marked_at_its_key_and_gets_a_suggestion() {
    assert_problems(
        &[("maxAttempts: 2", "maxAtempts: 2")],
        &[
            "error dev.yaml:34:13: spec.services.scoring.clients.provider.retry.maxAtempts: `maxAtempts` is not a field here (did you mean `maxAttempts`?)",
        ],
    );
}

#[test]
fn a_field_in_another_spelling_gets_a_suggestion() {
    assert_problems(
        &[("initialBackoff", "initial_backoff")],
        &[
            "error dev.yaml:35:13: spec.services.scoring.clients.provider.retry.initial_backoff: `initial_backoff` is not a field here (did you mean `initialBackoff`?)",
        ],
    );
}

#[test]
fn an_unknown_field_without_a_neighbour_lists_the_fields_there_are() {
    assert_problems(
        &[("  mode: Enforce", "  colour: blue")],
        &[
            "error dev.yaml:6:3: spec.colour: `colour` is not a field here (fields here: alarms, dashboard, decision, deletionPolicy, mode, rollout, services)",
        ],
    );
}

#[test]
fn an_unknown_field_in_a_flow_mapping_has_its_own_place() {
    assert_problems(
        &[("percent: 20", "percentage: 20")],
        &[
            "error dev.yaml:38:22: spec.services.scoring.clients.provider.retry.budget.percentage: `percentage` is not a field here (did you mean `percent`?)",
        ],
    );
}

#[test]
fn a_misspelt_required_field_is_one_problem_not_two() {
    assert_problems(
        &[("image: auth:0.1.0", "imgae: auth:0.1.0")],
        &[
            "error dev.yaml:23:7: spec.services.auth.imgae: `imgae` is not a field here (did you mean `image`?)",
        ],
    );
}

#[test]
fn a_missing_field_points_at_its_parent() {
    assert_problems(
        &[("      image: auth:0.1.0\n", "")],
        &["error dev.yaml:22:5: spec.services.auth.image: `image` is missing (Image to run)"],
    );
}

#[test]
fn a_missing_field_of_an_item_points_at_the_item() {
    assert_problems(
        &[("      threshold: 20\n", "")],
        &[
            "error dev.yaml:65:7: spec.alarms[0].threshold: `threshold` is missing (Value compared with, in the signal's unit)",
        ],
    );
}

#[test]
fn a_missing_section_points_at_its_parent() {
    assert_problems(
        &[(
            "  decision:\n    bands:\n      - {riskBand: LOW,    minScore: 700, interestRate: \"11.90\"}\n      - {riskBand: MEDIUM, minScore: 620, interestRate: \"17.50\"}\n    maxPaymentToIncome: 40\n",
            "",
        )],
        &["error dev.yaml:5:1: spec.decision: `decision` is missing (The credit policy)"],
    );
}

#[test]
fn a_value_outside_an_enum_lists_the_values() {
    assert_problems(
        &[("mode: Enforce", "mode: Enforced")],
        &[
            "error dev.yaml:6:9: spec.mode: `Enforced` is not one of Enforce, Observe, Suspend (did you mean `Enforce`?)",
        ],
    );
}

#[test]
fn an_enum_value_in_the_wrong_case_gets_a_suggestion() {
    assert_problems(
        &[(
            "treatMissingData: NotBreaching",
            "treatMissingData: notBreaching",
        )],
        &[
            "error dev.yaml:72:25: spec.alarms[0].treatMissingData: `notBreaching` is not one of Missing, NotBreaching, Breaching, Ignore (did you mean `NotBreaching`?)",
        ],
    );
}

#[test]
fn a_boolean_looking_word_stays_a_word() {
    assert_problems(
        &[("mode: Enforce", "mode: on")],
        &["error dev.yaml:6:9: spec.mode: `on` is not one of Enforce, Observe, Suspend"],
    );
}

#[test]
fn a_number_outside_its_range_names_the_range() {
    assert_problems(
        &[("maxAttempts: 2", "maxAttempts: 11")],
        &[
            "error dev.yaml:34:26: spec.services.scoring.clients.provider.retry.maxAttempts: 11 is outside 1 to 10",
        ],
    );
}

#[test]
fn a_number_too_large_for_any_integer_is_out_of_range() {
    assert_problems(
        &[("desiredCount: 1", "desiredCount: 99999999999999999999999")],
        &["error dev.yaml:24:21: spec.services.auth.desiredCount: 1e+23 is outside 0 to 200"],
    );
}

#[test]
fn a_negative_number_is_out_of_range() {
    assert_problems(
        &[("desiredCount: 1", "desiredCount: -1")],
        &["error dev.yaml:24:21: spec.services.auth.desiredCount: -1 is outside 0 to 200"],
    );
}

#[test]
fn a_duration_outside_its_range_names_the_range() {
    assert_problems(
        &[("slidingWindow: 30s", "slidingWindow: 3h")],
        &[
            "error dev.yaml:45:28: spec.services.scoring.clients.provider.circuitBreaker.slidingWindow: `3h` is outside 1s to 10m",
        ],
    );
}

#[test]
fn a_duration_without_a_unit_says_what_to_write() {
    assert_problems(
        &[("attemptTimeout: 250ms", "attemptTimeout: 250")],
        &[
            "error dev.yaml:32:27: spec.services.scoring.clients.provider.attemptTimeout: the number 250 stands here, and it must be a duration with its unit (write a whole number and one of ms, s, m, h, as in 250ms)",
        ],
    );
}

#[test]
fn a_malformed_duration_says_what_to_write() {
    assert_problems(
        &[("attemptTimeout: 250ms", "attemptTimeout: 0.25s")],
        &[
            "error dev.yaml:32:27: spec.services.scoring.clients.provider.attemptTimeout: `0.25s` is malformed: write a whole number and one of ms, s, m, h, as in 250ms",
        ],
    );
}

#[test]
fn the_auth_timeout_has_a_ceiling_of_200_ms() {
    assert_problems(
        &[("timeout: 200ms", "timeout: 201ms")],
        &[
            "error dev.yaml:18:20: spec.services.loanApi.clients.auth.timeout: `201ms` is outside 1ms to 200ms",
        ],
    );
}

#[test]
fn a_rate_without_quotes_says_to_quote_it() {
    assert_problems(
        &[(r#""11.90""#, "11.90")],
        &[
            r#"error dev.yaml:61:57: spec.decision.bands[0].interestRate: the number 11.9 stands here, and it must be text (write percent with two decimals, in quotes, as in "11.90")"#,
        ],
    );
}

#[test]
fn a_rate_with_one_decimal_says_what_to_write() {
    assert_problems(
        &[(r#""11.90""#, r#""11.9""#)],
        &[
            r#"error dev.yaml:61:57: spec.decision.bands[0].interestRate: `11.9` is malformed: write percent with two decimals, in quotes, as in "11.90""#,
        ],
    );
}

#[test]
fn a_number_in_quotes_says_to_take_them_off() {
    assert_problems(
        &[("desiredCount: 1", r#"desiredCount: "1""#)],
        &[
            "error dev.yaml:24:21: spec.services.auth.desiredCount: the text `1` stands here, and it must be a whole number (write the number without quotes or leading zeros)",
        ],
    );
}

#[test]
fn a_number_with_a_leading_zero_is_not_guessed_at() {
    assert_problems(
        &[("desiredCount: 1", "desiredCount: 010")],
        &[
            "error dev.yaml:24:21: spec.services.auth.desiredCount: the text `010` stands here, and it must be a whole number (write the number without quotes or leading zeros)",
        ],
    );
}

#[test]
fn a_whole_number_written_with_a_fraction_is_refused() {
    assert_problems(
        &[("desiredCount: 1", "desiredCount: 1.0")],
        &[
            "error dev.yaml:24:21: spec.services.auth.desiredCount: the number is written with a fraction (allowed: a whole number)",
        ],
    );
}

#[test]
fn a_fraction_where_a_whole_number_belongs_is_refused() {
    assert_problems(
        &[("percent: 20", "percent: 12.5")],
        &[
            "error dev.yaml:38:31: spec.services.scoring.clients.provider.retry.budget.percent: the number 12.5 stands here, and it must be a whole number",
        ],
    );
}

#[test]
fn a_threshold_that_is_not_finite_is_refused() {
    assert_problems(
        &[("threshold: 5", "threshold: .nan")],
        &[
            "error dev.yaml:76:18: spec.alarms[1].threshold: the text `.nan` stands here, and it must be a finite number",
        ],
    );
}

#[test]
fn an_empty_value_says_to_fill_it_or_take_it_out() {
    assert_problems(
        &[("desiredCount: 1", "desiredCount:")],
        &[
            "error dev.yaml:24:7: spec.services.auth.desiredCount: nothing stands here, and it must be a whole number (give it a value, or take the line out)",
        ],
    );
}

#[test]
fn a_scalar_where_a_mapping_belongs_is_refused() {
    assert_problems(
        &[("bulkhead: {maxConcurrentCalls: 64}", "bulkhead: 64")],
        &[
            "error dev.yaml:21:21: spec.services.loanApi.clients.scoring.bulkhead: the number 64 stands here, and it must be a mapping",
        ],
    );
}

#[test]
fn a_mapping_where_a_list_belongs_is_refused() {
    assert_problems(
        &[(
            "onAlarm: [RollbackScoring]",
            "onAlarm: {RollbackScoring: true}",
        )],
        &[
            "error dev.yaml:73:7: spec.alarms[0].onAlarm: a mapping stands here, and it must be a list",
        ],
    );
}

#[test]
fn an_illegal_platform_name_says_the_rule() {
    assert_problems(
        &[("name: dev", "name: Dev_1")],
        &[
            "error dev.yaml:4:9: metadata.name: `Dev_1` is malformed: start with a lower-case letter, go on with lower-case letters, digits or dashes, end without a dash",
        ],
    );
}

#[test]
fn a_platform_name_that_is_too_long_is_one_problem() {
    assert_problems(
        &[(
            "name: dev",
            "name: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        )],
        &[
            "error dev.yaml:4:9: metadata.name: `aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa` is too long: at most 40 characters",
        ],
    );
}

#[test]
fn an_address_without_http_says_what_to_write() {
    assert_problems(
        &[("http://score-provider:8084", "score-provider:8084")],
        &[
            "error dev.yaml:30:16: spec.services.scoring.clients.provider.url: `score-provider:8084` is malformed: write an http or https address, as in https://scores.example",
        ],
    );
}

#[test]
fn an_address_that_only_looks_like_one_is_refused_in_its_place() {
    assert_problems(
        &[("http://score-provider:8084", r#""http://[::1""#)],
        &[
            r#"error dev.yaml:30:16: spec.services.scoring.clients.provider.url: the value cannot be read: invalid IPv6 address: "http://[::1""#,
        ],
    );
}

#[test]
fn an_empty_list_of_bands_is_refused() {
    assert_problems(
        &[(
            "    bands:\n      - {riskBand: LOW,    minScore: 700, interestRate: \"11.90\"}\n      - {riskBand: MEDIUM, minScore: 620, interestRate: \"17.50\"}\n",
            "    bands: []\n",
        )],
        &["error dev.yaml:60:5: spec.decision.bands: the list is too short: at least 1 item"],
    );
}

#[test]
fn a_value_in_another_script_is_placed_by_characters() {
    assert_problems(
        &[(
            "rateLimit: {requestsPerSecond: 50",
            r#"rateLimit: {"requêtes": 1, requestsPerSecond: 0"#,
        )],
        &[
            r#"error dev.yaml:15:19: spec.services.loanApi.rateLimit["requêtes"]: `requêtes` is not a field here (fields here: burst, requestsPerSecond)"#,
            "error dev.yaml:15:53: spec.services.loanApi.rateLimit.requestsPerSecond: 0 is outside 1 to 100000",
        ],
    );
}
