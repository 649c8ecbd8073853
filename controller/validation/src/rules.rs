//! What must hold between fields. Each rule is a pure function of the spec, in a file of its topic.

mod alarms;
mod breaker;
mod decision;
mod provider;
mod rollout;
mod services;

pub use services::fargate_takes;

use std::collections::BTreeSet;

use schema::LoanPlatformSpec;

use crate::finding::Finding;
use crate::path::FieldPath;

/// A rule between fields.
struct Rule {
    /// The fields that it reads: while one of them is unusable, it says nothing.
    reads: &'static [&'static str],
    /// Whether it judges each alarm by itself: it then says nothing of alarms with unusable fields.
    is_per_alarm: bool,
    check: fn(&LoanPlatformSpec) -> Vec<Finding>,
}

const PROVIDER: &str = "spec.services.scoring.clients.provider";
const SCORING_CLIENT: &str = "spec.services.loanApi.clients.scoring";
const SERVICES: &str = "spec.services";
const ALARMS: &str = "spec.alarms";
const ROLLOUT: &str = "spec.rollout";

const PROVIDER_URL: &str = "spec.services.scoring.clients.provider.url";
const PROVIDER_TIMEOUT: &str = "spec.services.scoring.clients.provider.timeout";
const ATTEMPT_TIMEOUT: &str = "spec.services.scoring.clients.provider.attemptTimeout";
const RETRY: &str = "spec.services.scoring.clients.provider.retry";
const PROVIDER_BREAKER: &str = "spec.services.scoring.clients.provider.circuitBreaker";
const SCORING_TIMEOUT: &str = "spec.services.loanApi.clients.scoring.timeout";
const SCORING_BREAKER: &str = "spec.services.loanApi.clients.scoring.circuitBreaker";
const AUTH_TIMEOUT: &str = "spec.services.loanApi.clients.auth.timeout";
const BAKE_TIME: &str = "spec.rollout.bakeTime";
const ROLLBACK_ALARMS: &str = "spec.rollout.rollbackAlarms";
const REQUEST_DEADLINE: &str = "spec.services.loanApi.requestDeadline";

const SIZES: [&str; 8] = [
    "spec.services.loanApi.cpu",
    "spec.services.loanApi.memory",
    "spec.services.auth.cpu",
    "spec.services.auth.memory",
    "spec.services.scoring.cpu",
    "spec.services.scoring.memory",
    "spec.services.scoreProvider.cpu",
    "spec.services.scoreProvider.memory",
];
const COUNTS: [&str; 10] = [
    "spec.services.loanApi.desiredCount",
    "spec.services.loanApi.scaling",
    "spec.services.auth.desiredCount",
    "spec.services.auth.scaling",
    "spec.services.scoring.desiredCount",
    "spec.services.scoring.scaling",
    "spec.services.scoreProvider.desiredCount",
    "spec.services.scoreProvider.scaling",
    "spec.services.scoreProvider.latency",
    "spec.services.scoreProvider.outages",
];

const RULES: [Rule; 25] = [
    rule(
        &[PROVIDER_TIMEOUT, ATTEMPT_TIMEOUT, RETRY],
        provider::attempts_fit_the_timeout,
    ),
    rule(
        &[PROVIDER_TIMEOUT, ATTEMPT_TIMEOUT],
        provider::one_attempt_fits_the_timeout,
    ),
    rule(&[RETRY], provider::backoff_grows_up_to_its_cap),
    rule(&[PROVIDER_URL], provider::the_address_is_http_with_a_host),
    rule(
        &[PROVIDER_TIMEOUT, SCORING_TIMEOUT],
        provider::the_caller_waits_long_enough,
    ),
    rule(
        &[REQUEST_DEADLINE, SCORING_TIMEOUT, AUTH_TIMEOUT],
        provider::clients_fit_the_request_deadline,
    ),
    rule(
        &[PROVIDER_BREAKER, SCORING_BREAKER],
        breaker::pauses_grow_up_to_their_cap,
    ),
    rule(
        &[
            PROVIDER_BREAKER,
            ATTEMPT_TIMEOUT,
            SCORING_BREAKER,
            SCORING_TIMEOUT,
        ],
        breaker::slow_calls_can_be_seen,
    ),
    alarm_rule(alarms::names_are_unique),
    alarm_rule(alarms::each_has_one_source),
    alarm_rule(alarms::services_are_named_where_needed),
    alarm_rule(alarms::periods_are_ones_that_cloudwatch_takes),
    alarm_rule(alarms::short_periods_need_high_resolution),
    alarm_rule(alarms::datapoints_fit_the_evaluation_periods),
    alarm_rule(alarms::windows_are_no_longer_than_cloudwatch_allows),
    alarm_rule(alarms::parameters_go_with_their_action),
    alarm_rule(alarms::actions_are_named_once),
    alarm_rule(alarms::remedies_can_help),
    rule(
        &[ROLLBACK_ALARMS, ALARMS],
        rollout::a_gating_alarm_sees_refusals,
    ),
    rule(
        &[BAKE_TIME, ROLLBACK_ALARMS, ALARMS],
        rollout::the_bake_covers_every_gating_alarm,
    ),
    rule(&[ROLLOUT, ALARMS], rollout::named_alarms_exist),
    rule(&[ROLLOUT], rollout::its_own_fields_agree),
    rule(
        &["spec.decision"],
        decision::bands_fall_and_have_one_name_each,
    ),
    rule(&SIZES, services::sizes_are_ones_that_fargate_takes),
    rule(&COUNTS, services::counts_and_latencies_agree),
];

const fn rule(
    reads: &'static [&'static str],
    check: fn(&LoanPlatformSpec) -> Vec<Finding>,
) -> Rule {
    Rule {
        reads,
        is_per_alarm: false,
        check,
    }
}

const fn alarm_rule(check: fn(&LoanPlatformSpec) -> Vec<Finding>) -> Rule {
    Rule {
        reads: &[],
        is_per_alarm: true,
        check,
    }
}

/// Everything that the rules find in `spec`. Rules that read one of the `unusable` fields are left
/// out: they would judge a default that nobody wrote.
pub(crate) fn check(spec: &LoanPlatformSpec, unusable: &BTreeSet<FieldPath>) -> Vec<Finding> {
    let can_judge = |rule: &&Rule| !touches(rule.reads.iter().copied().map(Into::into), unusable);
    let mut findings = Vec::new();
    for rule in RULES.iter().filter(can_judge) {
        let mut found = (rule.check)(spec);
        if rule.is_per_alarm {
            found.retain(|finding| !touches(alarm_of(&finding.path), unusable));
        }
        findings.append(&mut found);
    }
    findings
}

/// Whether one of the `unusable` fields lies in, or around, one of `fields`.
fn touches(fields: impl IntoIterator<Item = FieldPath>, unusable: &BTreeSet<FieldPath>) -> bool {
    fields.into_iter().any(|read| {
        unusable
            .iter()
            .any(|field| read.contains(field) || field.contains(&read))
    })
}

/// The alarm in which `path` lies.
fn alarm_of(path: &FieldPath) -> Option<FieldPath> {
    let depth = FieldPath::from(ALARMS).steps().len() + 1;
    path.steps()
        .get(..depth)
        .map(|steps| steps.iter().cloned().collect())
}

/// The path of an alarm, by its place in the list.
fn alarm_path(index: usize) -> FieldPath {
    FieldPath::from(ALARMS).item(index)
}
