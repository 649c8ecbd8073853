//! Rollout, credit policy and sizes between fields.

use crate::support::assert_problems;

#[test]
fn a_bake_too_short_for_its_alarms_states_the_sum_and_its_parts() {
    assert_problems(
        &[("bakeTime: 70s", "bakeTime: 64s")],
        &[
            "error dev.yaml:96:15: spec.rollout.bakeTime: bakeTime 64s is too short: it must be at least 65s = 30s window of alarm loan-api-errors (3 × 10s) + 15s ingestion + 20s for two polls",
        ],
    );
}

#[test]
fn a_bake_as_long_as_its_longest_alarm_needs_is_taken() {
    assert_problems(&[("bakeTime: 70s", "bakeTime: 65s")], &[]);
}

#[test]
fn a_gating_alarm_on_a_slow_metric_needs_two_minutes_of_ingestion() {
    assert_problems(
        &[(
            "maxBakeTime: 10m",
            "maxBakeTime: 10m\n    rollbackAlarms: [scoring-failures, loan-api-cpu]",
        )],
        &[
            "error dev.yaml:96:15: spec.rollout.bakeTime: bakeTime 70s is too short: it must be at least 320s = 3m window of alarm loan-api-cpu (3 × 1m) + 2m ingestion + 20s for two polls",
        ],
    );
}

#[test]
fn a_bake_limit_below_the_bake_is_refused() {
    assert_problems(
        &[("maxBakeTime: 10m", "maxBakeTime: 69s")],
        &[
            "error dev.yaml:97:18: spec.rollout.maxBakeTime: maxBakeTime 69s is shorter than bakeTime 70s (allowed: at least 70s, the bakeTime)",
        ],
    );
}

#[test]
fn a_rollback_alarm_that_does_not_exist_is_refused_with_a_suggestion() {
    assert_problems(
        &[(
            "maxBakeTime: 10m",
            "maxBakeTime: 10m\n    rollbackAlarms: [scoring-failures, loan-api-error]",
        )],
        &[
            "error dev.yaml:98:40: spec.rollout.rollbackAlarms[1]: there is no alarm `loan-api-error` (did you mean `loan-api-errors`?)",
        ],
    );
}

#[test]
fn an_acknowledged_alarm_that_does_not_exist_is_refused() {
    assert_problems(
        &[(
            "onFiringAlarm: Block",
            "onFiringAlarm: Ignore\n    acknowledgeFiringAlarms: [nothing]",
        )],
        &[
            "error dev.yaml:100:31: spec.rollout.acknowledgeFiringAlarms[0]: there is no alarm `nothing` (allowed: scoring-failures, loan-api-errors, oldest-received-age, loan-api-cpu)",
        ],
    );
}

#[test]
fn acknowledging_while_blocking_is_a_warning() {
    assert_problems(
        &[(
            "onFiringAlarm: Block",
            "onFiringAlarm: Block\n    acknowledgeFiringAlarms: [loan-api-cpu]",
        )],
        &[
            "warning dev.yaml:100:5: spec.rollout.acknowledgeFiringAlarms: acknowledgeFiringAlarms does nothing while onFiringAlarm is Block (set onFiringAlarm: Ignore, or take the list out)",
        ],
    );
}

#[test]
fn an_approval_that_is_no_digest_is_refused() {
    assert_problems(
        &[(r#"approve: """#, "approve: yes-please")],
        &[
            "error dev.yaml:103:14: spec.rollout.approve: approve is no revision's digest (allowed: nothing, or 12 to 64 hex digits as `loanctl status` shows them)",
        ],
    );
}

#[test]
fn an_approval_shorter_than_twelve_digits_is_refused() {
    assert_problems(
        &[(r#"approve: """#, r#"approve: "abcdef12345""#)],
        &[
            "error dev.yaml:103:14: spec.rollout.approve: approve is no revision's digest (allowed: nothing, or 12 to 64 hex digits as `loanctl status` shows them)",
        ],
    );
}

#[test]
fn an_approval_by_digest_is_taken() {
    assert_problems(&[(r#"approve: """#, r#"approve: "abcdef123456""#)], &[]);
}

#[test]
fn a_platform_without_a_gating_alarm_is_a_warning() {
    assert_problems(
        &[(
            "maxBakeTime: 10m",
            "maxBakeTime: 10m\n    rollbackAlarms: []",
        )],
        &[
            "warning dev.yaml:98:5: spec.rollout.rollbackAlarms: no alarm guards scoring changes: none can be taken back by itself (give an alarm the action RollbackScoring, or name it in rollout.rollbackAlarms)",
        ],
    );
}

#[test]
fn bands_that_do_not_fall_are_refused() {
    assert_problems(
        &[("minScore: 620", "minScore: 700")],
        &[
            "error dev.yaml:62:38: spec.decision.bands[1].minScore: minScore 700 is not below 700, that of the band above it (order the bands by falling score)",
        ],
    );
}

#[test]
fn a_band_named_twice_is_refused() {
    assert_problems(
        &[("riskBand: MEDIUM", "riskBand: LOW")],
        &[
            "error dev.yaml:62:20: spec.decision.bands[1].riskBand: risk band `LOW` stands here a second time (allowed: a name of its own)",
        ],
    );
}

#[test]
fn memory_that_fargate_does_not_sell_with_the_cpu_is_refused() {
    assert_problems(
        &[("memory: 1024", "memory: 512")],
        &[
            "error dev.yaml:12:15: spec.services.loanApi.memory: Fargate takes no memory 512 with cpu 512: 1024 to 4096 in steps of 1024",
        ],
    );
}

#[test]
fn cpu_that_fargate_does_not_sell_is_refused() {
    assert_problems(
        &[("cpu: 512", "cpu: 500")],
        &[
            "error dev.yaml:11:12: spec.services.loanApi.cpu: cpu 500 is no Fargate task size: 256, 512, 1024, 2048, 4096, 8192, 16384",
        ],
    );
}

#[test]
fn a_fixed_count_and_scaling_exclude_each_other() {
    assert_problems(
        &[(
            "desiredCount: 1",
            "desiredCount: 1\n      scaling: {minCapacity: 1, maxCapacity: 4, targetCpuUtilization: 60}",
        )],
        &[
            "error dev.yaml:24:7: spec.services.auth.desiredCount: desiredCount and scaling exclude each other (keep desiredCount for a fixed count, or scaling for an automatic one)",
        ],
    );
}

#[test]
fn scaling_bounds_the_wrong_way_round_are_refused() {
    assert_problems(
        &[(
            "desiredCount: 1",
            "scaling: {minCapacity: 5, maxCapacity: 4, targetCpuUtilization: 60}",
        )],
        &[
            "error dev.yaml:24:30: spec.services.auth.scaling.minCapacity: minCapacity 5 is above maxCapacity 4 (allowed: at most 4, the maxCapacity)",
        ],
    );
}

#[test]
fn outages_that_never_end_are_refused() {
    let outages = "hangRate: 0\n      outages: {every: 1m, length: 60s}\n";
    assert_problems(
        &[("hangRate: 0\n", outages)],
        &[
            "error dev.yaml:58:36: spec.services.scoreProvider.outages.length: an outage of 1m every 1m never ends (allowed: less than 1m)",
        ],
    );
}

#[test]
fn latency_percentiles_the_wrong_way_round_are_refused() {
    assert_problems(
        &[("p50: 60ms", "p50: 181ms")],
        &[
            "error dev.yaml:55:22: spec.services.scoreProvider.latency.p50: p50 181ms is longer than p99 180ms (allowed: at most 180ms, the p99)",
        ],
    );
}

#[test]
fn case_27_alarms_that_a_change_passes_by_rejecting_everything_are_warned_of() {
    assert_problems(
        &[(
            "maxBakeTime: 10m",
            "maxBakeTime: 10m\n    rollbackAlarms: [loan-api-errors]",
        )],
        &[
            "warning dev.yaml:64:3: spec.alarms: no alarm that judges scoring changes sees calls that a breaker refuses: a change that rejects everything would pass (let an alarm on ScoringFailureRatio or OldestReceivedAge judge too)",
        ],
    );
}
