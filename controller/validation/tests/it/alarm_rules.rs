//! Alarms between fields.

use crate::support::assert_problems;

#[test]
fn an_alarm_name_taken_already_names_the_other() {
    assert_problems(
        &[("name: loan-api-errors", "name: scoring-failures")],
        &[
            "error dev.yaml:74:13: spec.alarms[1].name: alarm name `scoring-failures` is taken already by spec.alarms[0] (allowed: a name of its own)",
        ],
    );
}

#[test]
fn an_alarm_with_signal_and_metric_is_refused() {
    assert_problems(
        &[(
            "      threshold: 5\n",
            "      metric: {namespace: LoanPlatform, name: Errors, statistic: Sum}\n      threshold: 5\n",
        )],
        &[
            "error dev.yaml:76:7: spec.alarms[1].metric: signal and metric exclude each other, and both are given (allowed: either signal or metric)",
        ],
    );
}

#[test]
fn an_alarm_that_measures_nothing_is_refused() {
    assert_problems(
        &[("      signal: OldestReceivedAge\n", "")],
        &[
            "error dev.yaml:83:7: spec.alarms[2]: the alarm measures nothing (give it a signal of the catalogue, or a metric)",
        ],
    );
}

#[test]
fn a_signal_that_needs_a_service_says_so() {
    assert_problems(
        &[("      service: loanApi\n", "")],
        &[
            "error dev.yaml:89:7: spec.alarms[3].service: signal CpuUtilization needs a service (allowed: loanApi, auth, scoring, scoreProvider)",
        ],
    );
}

#[test]
fn a_signal_that_has_its_service_takes_none() {
    assert_problems(
        &[(
            "signal: OldestReceivedAge",
            "signal: OldestReceivedAge\n      service: loanApi",
        )],
        &[
            "error dev.yaml:85:7: spec.alarms[2].service: signal OldestReceivedAge takes no service (take the line out)",
        ],
    );
}

#[test]
fn a_metric_takes_no_service() {
    assert_problems(
        &[(
            "signal: CpuUtilization",
            "metric: {namespace: AWS/RDS, name: DatabaseConnections, statistic: Average}",
        )],
        &[
            "error dev.yaml:91:7: spec.alarms[3].service: a metric takes no service (take the line out)",
        ],
    );
}

#[test]
fn an_alarm_on_a_service_that_the_platform_lacks_is_refused() {
    assert_problems(
        &[
            (
                "    scoreProvider:\n      image: score-provider:0.1.0\n      desiredCount: 1\n      latency: {p50: 60ms, p99: 180ms}\n      errorRate: 1\n      hangRate: 0\n      capacity: 80\n",
                "",
            ),
            ("service: loanApi", "service: scoreProvider"),
        ],
        &[
            "error dev.yaml:84:16: spec.alarms[3].service: this platform has no service `scoreProvider` (add spec.services.scoreProvider)",
        ],
    );
}

#[test]
fn a_period_that_cloudwatch_does_not_know_is_refused() {
    assert_problems(
        &[("period: 10s", "period: 15s")],
        &[
            "error dev.yaml:68:15: spec.alarms[0].period: CloudWatch takes no period of 15s (allowed: 10s, 20s, 30s or whole minutes)",
            "error dev.yaml:96:15: spec.rollout.bakeTime: bakeTime 70s is too short: it must be at least 80s = 45s window of alarm scoring-failures (3 × 15s) + 15s ingestion + 20s for two polls",
        ],
    );
}

#[test]
fn a_period_of_ninety_seconds_is_refused() {
    assert_problems(
        &[("period: 60s", "period: 90s")],
        &[
            "error dev.yaml:93:15: spec.alarms[3].period: CloudWatch takes no period of 90s (allowed: 10s, 20s, 30s or whole minutes)",
        ],
    );
}

#[test]
fn a_short_period_on_a_slow_signal_is_refused() {
    assert_problems(
        &[("period: 60s", "period: 30s")],
        &[
            "error dev.yaml:93:15: spec.alarms[3].period: period 30s is too short: signal CpuUtilization has one datapoint a minute (allowed: whole minutes)",
        ],
    );
}

#[test]
fn a_short_period_on_a_metric_of_another_namespace_is_refused() {
    assert_problems(
        &[(
            "signal: OldestReceivedAge",
            "metric: {namespace: AWS/RDS, name: DatabaseConnections, statistic: Average}",
        )],
        &[
            "error dev.yaml:86:15: spec.alarms[2].period: period 10s is too short: metrics of namespace AWS/RDS have one datapoint a minute (allowed: whole minutes)",
        ],
    );
}

#[test]
fn a_short_period_on_a_metric_of_the_services_is_taken() {
    assert_problems(
        &[(
            "signal: OldestReceivedAge",
            "metric: {namespace: LoanPlatform, name: OldestReceivedAge, statistic: Maximum}",
        )],
        &[],
    );
}

#[test]
fn more_datapoints_than_are_looked_at_are_refused() {
    assert_problems(
        &[("datapointsToAlarm: 2", "datapointsToAlarm: 4")],
        &[
            "error dev.yaml:70:26: spec.alarms[0].datapointsToAlarm: datapointsToAlarm 4 is above evaluationPeriods 3 (allowed: at most 3, the evaluationPeriods)",
        ],
    );
}

#[test]
fn a_window_above_a_day_is_refused() {
    assert_problems(
        &[(
            "period: 60s\n      evaluationPeriods: 3",
            "period: 2m\n      evaluationPeriods: 721",
        )],
        &[
            "error dev.yaml:94:26: spec.alarms[3].evaluationPeriods: evaluationPeriods 721 × period 2m is 1442m, and CloudWatch looks back 1 day with periods under an hour (allowed: at most 720 with this period)",
        ],
    );
}

#[test]
fn a_window_of_a_day_is_taken() {
    assert_problems(
        &[(
            "period: 60s\n      evaluationPeriods: 3",
            "period: 2m\n      evaluationPeriods: 720",
        )],
        &[],
    );
}

#[test]
fn hourly_periods_may_look_back_a_week() {
    assert_problems(
        &[(
            "period: 60s\n      evaluationPeriods: 3",
            "period: 1h\n      evaluationPeriods: 168",
        )],
        &[],
    );
}

#[test]
fn a_window_above_a_week_is_refused() {
    assert_problems(
        &[(
            "period: 60s\n      evaluationPeriods: 3",
            "period: 1h\n      evaluationPeriods: 169",
        )],
        &[
            "error dev.yaml:94:26: spec.alarms[3].evaluationPeriods: evaluationPeriods 169 × period 1h is 169h, and CloudWatch looks back 7 days (allowed: at most 168 with this period)",
        ],
    );
}

#[test]
fn an_action_without_its_parameters_is_refused() {
    assert_problems(
        &[(
            "onAlarm: [RollbackScoring]",
            "onAlarm: [RollbackScoring, ScaleOut]",
        )],
        &[
            "error dev.yaml:65:7: spec.alarms[0].scaleOut: action ScaleOut needs `scaleOut` (write scaleOut beside onAlarm)",
        ],
    );
}

#[test]
fn parameters_without_their_action_are_refused() {
    assert_problems(
        &[(
            "onAlarm: [RollbackScoring]",
            "onAlarm: [RollbackScoring]\n      forceBreakerOpen: {service: scoring, client: provider, for: 1m}",
        )],
        &[
            "error dev.yaml:74:7: spec.alarms[0].forceBreakerOpen: `forceBreakerOpen` is given, but onAlarm has no ForceBreakerOpen (add ForceBreakerOpen to onAlarm, or take forceBreakerOpen out)",
        ],
    );
}

#[test]
fn parameters_with_their_action_are_taken() {
    assert_problems(
        &[(
            "onAlarm: [RollbackScoring]",
            "onAlarm: [RollbackScoring, ScaleOut]\n      scaleOut: {service: scoring, step: 1, maxCount: 4, cooldown: 3m, for: 30m}",
        )],
        &[],
    );
}

#[test]
fn a_breaker_of_another_service_cannot_be_forced_open() {
    assert_problems(
        &[(
            "onAlarm: [RollbackScoring]",
            "onAlarm: [RollbackScoring, ForceBreakerOpen]\n      forceBreakerOpen: {service: auth, client: provider, for: 1m}",
        )],
        &[
            "error dev.yaml:74:49: spec.alarms[0].forceBreakerOpen.client: service auth has no such client: it is scoring's (allowed: scoring with service loanApi, provider with service scoring)",
        ],
    );
}

#[test]
fn scale_out_that_never_adds_a_task_is_warned_about() {
    assert_problems(
        &[(
            "onAlarm: [RollbackScoring]",
            "onAlarm: [RollbackScoring, ScaleOut]\n      scaleOut: {service: scoring, step: 1, maxCount: 2, cooldown: 3m, for: 30m}",
        )],
        &[
            "warning dev.yaml:74:55: spec.alarms[0].scaleOut.maxCount: ScaleOut never adds a task: services.scoring.desiredCount is 2 already (allowed: above 2, the desiredCount)",
        ],
    );
}

#[test]
fn scale_out_beyond_automatic_scaling_is_warned_about() {
    let scaling = "image: scoring:0.1.0\n      scaling: {minCapacity: 2, maxCapacity: 3, targetCpuUtilization: 60}";
    let action = |most: u32| {
        format!(
            "onAlarm: [RollbackScoring, ScaleOut]\n      scaleOut: {{service: scoring, step: 1, maxCount: {most}, cooldown: 3m, for: 30m}}"
        )
    };
    let problems = |most: u32, expected: &[&str]| {
        assert_problems(
            &[
                ("image: scoring:0.1.0\n      desiredCount: 2", scaling),
                ("onAlarm: [RollbackScoring]", &action(most)),
            ],
            expected,
        );
    };
    problems(
        4,
        &[
            "warning dev.yaml:74:55: spec.alarms[0].scaleOut.maxCount: ScaleOut stops at 3, the maxCapacity of services.scoring.scaling (allowed: at most 3)",
        ],
    );
    problems(3, &[]);
    problems(
        2,
        &[
            "warning dev.yaml:74:55: spec.alarms[0].scaleOut.maxCount: ScaleOut never adds a task: services.scoring.scaling.minCapacity is 2 already (allowed: above 2, the minCapacity)",
        ],
    );
}

#[test]
fn a_breaker_that_feeds_its_own_alarm_is_warned_about() {
    assert_problems(
        &[(
            "onAlarm: [RollbackScoring]",
            "onAlarm: [RollbackScoring, ForceBreakerOpen]\n      forceBreakerOpen: {service: scoring, client: provider, for: 1m}",
        )],
        &[
            "warning dev.yaml:74:7: spec.alarms[0].forceBreakerOpen: ForceBreakerOpen refuses calls, which this alarm measures: it fires on while the breaker is open (open it by an alarm on ProviderFailureRatio or LoanApiLatencyP99)",
        ],
    );
}

#[test]
fn an_action_named_twice_is_refused() {
    assert_problems(
        &[(
            "onAlarm: [RollbackScoring]",
            "onAlarm: [RollbackScoring, RollbackScoring]",
        )],
        &[
            "error dev.yaml:73:34: spec.alarms[0].onAlarm[1]: action RollbackScoring is named twice (allowed: each action once)",
        ],
    );
}

#[test]
fn notify_is_taken() {
    assert_problems(
        &[(
            "onAlarm: [RollbackScoring]",
            "onAlarm: [RollbackScoring, Notify]",
        )],
        &[],
    );
}

#[test]
fn an_alarm_with_an_unusable_field_does_not_silence_the_others() {
    assert_problems(
        &[
            ("threshold: 20", "threshold: high"),
            ("period: 60s", "period: 30s"),
        ],
        &[
            "error dev.yaml:67:18: spec.alarms[0].threshold: the text `high` stands here, and it must be a number",
            "error dev.yaml:93:15: spec.alarms[3].period: period 30s is too short: signal CpuUtilization has one datapoint a minute (allowed: whole minutes)",
        ],
    );
}
