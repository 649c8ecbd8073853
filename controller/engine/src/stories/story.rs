//! One platform, from its first spec on.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use schema::LoanPlatformSpec;
use schema::names::{PlatformName, ServiceName};
use schema::platform::{AlarmName, Image};
use schema::revision::{FieldChange, RevisionDigest, ScoringRevision};
use schema::status::{AlarmState, HistoryKind, Phase};
use schema::units::Whole;
use serde_json::{Value, json};

use crate::accept::accept;
use crate::decide::{Decision, decide};
use crate::forecast::obedient::{obey, settle_tasks};
use crate::observed::{Observed, RehearsalFinding};
use crate::plan::{Action, Plan};
use crate::ports::{DeploymentState, Firing, ObservedAlarm, ObservedService, ServiceChange};
use crate::specs::{SpecContent, SpecEntry};
use crate::state::PlatformState;
use crate::status::status;

pub(super) const ALARM: &str = "scoring-failures";

pub(super) struct Story {
    pub(super) spec: LoanPlatformSpec,
    pub(super) state: PlatformState,
    pub(super) world: Observed,
    pub(super) now: Timestamp,
    pub(super) calls: Vec<Action>,
    pub(super) refusal: Option<String>,
    pub(super) last: Option<Decision>,
    /// Tasks go on reporting what they had.
    pub(super) tasks_ignore_their_settings: bool,
    /// What speaks against the images of a change.
    pub(super) rehearsal_obstacle: Option<String>,
    /// The only rehearsal there is, whatever change waits.
    pub(super) only_rehearsal: Option<RehearsalFinding>,
    /// Writing an alarm has no effect.
    pub(super) alarms_are_not_made: bool,
    /// Changes of services wait for the account's quotas.
    pub(super) calls_wait: bool,
    /// An image whose tasks do not become ready.
    pub(super) broken_image: Option<&'static str>,
    /// Services that report nothing any more.
    silent: BTreeSet<ServiceName>,
}

pub(super) fn spec() -> Value {
    json!({
        "services": {
            "loanApi": { "image": "loan-api:1", "desiredCount": 2 },
            "auth": { "image": "auth:1", "desiredCount": 1 },
            "scoring": {
                "image": "scoring:1",
                "desiredCount": 2,
                "clients": { "provider": { "url": "http://score-provider:8084" } },
            },
            "scoreProvider": { "image": "score-provider:1", "desiredCount": 1 },
        },
        "decision": { "bands": [{ "riskBand": "LOW", "minScore": 700, "interestRate": "11.90" }] },
        "alarms": [{
            "name": ALARM,
            "signal": "ScoringFailureRatio",
            "threshold": 20.0,
            "period": "10s",
            "evaluationPeriods": 3,
            "datapointsToAlarm": 2,
            "minSamples": 20,
            "onAlarm": ["RollbackScoring"],
        }],
        "rollout": { "bakeTime": "70s", "maxBakeTime": "10m", "minSamples": 50 },
    })
}

impl Story {
    /// A platform whose first spec has just been put there.
    pub(super) fn begins() -> Self {
        let now: Timestamp = "2026-03-02T08:00:00Z".parse().unwrap();
        let platform = PlatformName::try_from("local").unwrap();
        let mut story = Self {
            spec: serde_json::from_value(spec()).unwrap(),
            state: PlatformState::new(platform, now),
            world: Observed::nothing(now),
            now,
            calls: Vec::new(),
            refusal: None,
            last: None,
            tasks_ignore_their_settings: false,
            rehearsal_obstacle: None,
            only_rehearsal: None,
            alarms_are_not_made: false,
            calls_wait: false,
            broken_image: None,
            silent: BTreeSet::new(),
        };
        story.submit();
        story
    }

    /// A platform whose first revision has proved good.
    pub(super) fn with_a_good_revision() -> Self {
        let mut story = Self::begins();
        story.settles();
        story.is_watched_with_traffic();
        assert_eq!(story.phase(), Phase::Succeeded);
        story.calls.clear();
        story
    }

    /// The spec file changes.
    pub(super) fn edits(&mut self, edit: impl FnOnce(&mut LoanPlatformSpec)) {
        edit(&mut self.spec);
        self.submit();
    }

    fn submit(&mut self) {
        self.refusal = None;
        self.submit_content(SpecContent::Valid(std::sync::Arc::new(self.spec.clone())));
    }

    pub(super) fn submit_content(&mut self, content: SpecContent) {
        if let SpecContent::Invalid { problems, .. } = &content {
            self.refusal = Some(problems.clone());
        }
        let entry = SpecEntry::new(
            self.state.platform.clone(),
            "specs/local.yaml".to_owned(),
            content,
        );
        accept(&mut self.state, &entry, self.now);
    }

    /// One round: decide, remember, do. A second passes.
    pub(super) fn turn(&mut self) {
        self.world.at = self.now;
        self.rehearses();
        self.services_report_until_now();
        let decision = decide(&self.state, &self.world, 1);
        self.state = decision.state.clone();
        self.state.status = std::sync::Arc::new(self.shown(&decision));
        self.carry_out(&decision.plan);
        self.last = Some(decision);
        self.now += SignedDuration::from_secs(1);
    }

    /// Every service that is not silent says that it is there.
    pub(super) fn services_report_until_now(&mut self) {
        for service in ServiceName::ALL {
            if !self.silent.contains(&service) {
                self.world.evidence.last_report.insert(service, self.now);
            }
        }
    }

    pub(super) fn falls_silent(&mut self, service: ServiceName) {
        self.silent.insert(service);
    }

    pub(super) fn changes_retries(&mut self, max_attempts: u32) {
        self.edits(|spec| {
            spec.services.scoring.clients.provider.retry.max_attempts = Whole::new(max_attempts);
        });
    }

    pub(super) fn changes_image(&mut self, image: &str) {
        self.edits(|spec| spec.services.scoring.image = Image(image.to_owned()));
    }

    /// The image that scoring's tasks are started from.
    pub(super) fn scoring_image(&self) -> &str {
        &self.world.services[&ServiceName::Scoring].template.image.0
    }

    /// Somebody has scoring run another image, past the spec file.
    pub(super) fn somebody_deploys(&mut self, image: &str) {
        let found = self.service(ServiceName::Scoring);
        found.template.image = Image(image.to_owned());
        found.deployment.id = "by-hand".to_owned();
    }

    /// ECS has scoring run the image before it again: the newest one's tasks did not become healthy.
    pub(super) fn ecs_goes_back_to(&mut self, image: &str) {
        let found = self.service(ServiceName::Scoring);
        found.template.image = Image(image.to_owned());
        found.deployment.id = "back".to_owned();
        found.deployment.state = DeploymentState::RolledBack {
            reason: "circuit breaker".to_owned(),
        };
    }

    /// What the rollout waits for, as the status shows it.
    pub(super) fn waits_on(&self) -> String {
        let decision = self.last.as_ref().unwrap();
        decision.rollout_waits_on.clone().unwrap_or_default()
    }

    /// Both images of a change that waits to begin are sound, unless the story says otherwise.
    fn rehearses(&mut self) {
        if self.only_rehearsal.is_some() {
            self.world.rehearsal.clone_from(&self.only_rehearsal);
            return;
        }
        let waiting = self.state.scoring.waiting();
        self.world.rehearsal = waiting.map(|change| RehearsalFinding {
            attempt: change.attempt,
            obstacle: self.rehearsal_obstacle.clone(),
        });
    }

    fn shown(&self, decision: &Decision) -> schema::LoanPlatformStatus {
        status(decision, &self.world, self.refusal.as_deref(), self.now)
    }

    /// Rounds until nothing more is called; far fewer than a bake takes.
    pub(super) fn settles(&mut self) {
        for _ in 0..12 {
            self.turn();
        }
    }

    /// Rounds until the change is on its way; a few at most.
    pub(super) fn begins_to_apply(&mut self) {
        for _ in 0..5 {
            if self.phase() == Phase::Applying {
                return;
            }
            self.turn();
        }
        panic!("it is still {:?}", self.phase());
    }

    pub(super) fn seconds_pass(&mut self, seconds: i64) {
        for _ in 0..seconds {
            self.turn();
        }
    }

    /// The bake time passes, with enough traffic to judge it by.
    pub(super) fn is_watched_with_traffic(&mut self) {
        self.has_traffic();
        self.seconds_pass(75);
    }

    pub(super) fn has_traffic(&mut self) {
        self.world.evidence.scoring_calls = 500;
        self.world
            .evidence
            .judged_datapoints
            .insert(AlarmName(ALARM.to_owned()), 6);
    }

    pub(super) fn alarm_fires(&mut self, value: f64) {
        self.fires(&AlarmName(ALARM.to_owned()), value);
    }

    pub(super) fn fires(&mut self, name: &AlarmName, value: f64) {
        let (now, firing) = (self.now, self.firing(value));
        let alarm = self.world.alarms.get_mut(name).unwrap();
        alarm.state = AlarmState::Alarm;
        alarm.since = now;
        alarm.last_firing = Some(firing);
    }

    fn firing(&self, value: f64) -> Firing {
        let first_breach_at = Some(self.now - SignedDuration::from_secs(1));
        Firing {
            at: self.now,
            value: Some(value),
            first_breach_at,
            last_breach_at: first_breach_at,
        }
    }

    pub(super) fn alarm_clears(&mut self) {
        let now = self.now;
        let alarm = self.alarm();
        alarm.state = AlarmState::Ok;
        alarm.since = now;
    }

    pub(super) fn alarm(&mut self) -> &mut ObservedAlarm {
        self.world
            .alarms
            .get_mut(&AlarmName(ALARM.to_owned()))
            .unwrap()
    }

    pub(super) fn service(&mut self, service: ServiceName) -> &mut ObservedService {
        self.world.services.get_mut(&service).unwrap()
    }

    /// Somebody switches off what its home has ECS do where new tasks do not start.
    pub(super) fn drifts(&mut self, service: ServiceName) {
        self.service(service).drift = vec![FieldChange {
            path: "deployments.circuitBreaker".to_owned(),
            from: Some("false".to_owned()),
            to: Some("true".to_owned()),
        }];
    }

    pub(super) fn phase(&self) -> Phase {
        self.state.scoring.phase
    }

    pub(super) fn wanted(&self) -> RevisionDigest {
        ScoringRevision::of(&self.spec).digest()
    }

    pub(super) fn live(&self) -> Option<RevisionDigest> {
        self.state.scoring.live().cloned()
    }

    /// `Ready`'s status and reason, as the status shows them.
    pub(super) fn ready(&self) -> (String, String) {
        let conditions = &self.state.status.conditions;
        let ready = conditions
            .iter()
            .find(|condition| condition.type_ == "Ready")
            .unwrap();
        (ready.status.clone(), ready.reason.clone())
    }

    pub(super) fn condition(&self, type_: &str) -> Option<String> {
        let conditions = &self.state.status.conditions;
        conditions
            .iter()
            .find(|c| c.type_ == type_)
            .map(|c| c.message.clone())
    }

    pub(super) fn history(&self) -> Vec<HistoryKind> {
        self.state.history.iter().map(|entry| entry.kind).collect()
    }

    /// The controller is killed and started again: what was saved is all it knows.
    pub(super) fn controller_restarts(&mut self) {
        let saved = serde_json::to_string(&self.state).unwrap();
        self.state = serde_json::from_str(&saved).unwrap();
        self.last = None;
    }

    fn carry_out(&mut self, plan: &Plan) {
        for action in plan.steps.iter().map(|step| &step.action) {
            self.calls.push(action.clone());
            if !self.is_in_vain(action) {
                obey(&mut self.world, action, self.now);
                self.breaks(action);
            }
        }
        if !self.tasks_ignore_their_settings {
            settle_tasks(&mut self.world, self.now);
        }
    }

    const fn is_in_vain(&self, action: &Action) -> bool {
        match action {
            Action::PutAlarm(_) => self.alarms_are_not_made,
            Action::Service(_) => self.calls_wait,
            _ => false,
        }
    }

    /// Tasks of the broken image do not become ready.
    fn breaks(&mut self, action: &Action) {
        let Action::Service(ServiceChange::Deploy {
            service, template, ..
        }) = action
        else {
            return;
        };
        if self.broken_image == Some(template.image.0.as_str()) {
            self.service(*service).deployment.state = DeploymentState::Failed {
                reason: "exited with code 101".to_owned(),
            };
        }
    }
}
