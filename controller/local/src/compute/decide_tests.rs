use jiff::Timestamp;
use proptest::prelude::*;
use schema::platform::Image;

use super::*;
use crate::compute::state::{Deployment, Wanted};
use engine::ports::TaskTemplate;

fn deployment(id: &str) -> Deployment {
    Deployment {
        id: id.to_owned(),
        template: TaskTemplate {
            image: Image(format!("scoring:{id}")),
            cpu: 256,
            memory: 512,
        },
    }
}

/// A service that wants `count` tasks of deployment `new`.
fn service(count: u32, progress: Rollout) -> Service {
    Service::new(Wanted {
        count,
        scaling: None,
        deployment: deployment("new"),
        progress,
        stable: Some(deployment("old")),
        restarts: 0,
        removing: false,
    })
}

fn replica(id: &str, deployment: &str, number: u64, life: Life, now: Instant) -> Replica {
    Replica {
        id: id.to_owned(),
        deployment: deployment.to_owned(),
        number,
        life,
        started: now,
        ready_at: matches!(life, Life::Ready { .. }).then_some(now),
        started_at: Timestamp::UNIX_EPOCH,
        pid: None,
        address: None,
        settings: None,
        killed: false,
        unready: None,
    }
}

fn ready(id: &str, deployment: &str, number: u64, now: Instant) -> Replica {
    replica(id, deployment, number, Life::Ready { since: now }, now)
}

fn drained(steps: &[Step]) -> Vec<&str> {
    steps
        .iter()
        .filter_map(|step| match step {
            Step::Drain { id, .. } => Some(id.as_str()),
            _ => None,
        })
        .collect()
}

#[test]
fn missing_tasks_are_started_all_at_once() {
    let now = Instant::now();
    let mut service = service(4, Rollout::Completed);
    service.replicas = vec![ready("a", "new", 1, now)];
    assert_eq!(
        next_step(&service, now),
        [Step::Start, Step::Start, Step::Start]
    );
}

#[test]
fn scaling_in_drains_the_newest_first() {
    let now = Instant::now();
    let mut service = service(1, Rollout::Completed);
    service.replicas = ["a", "b", "c"]
        .into_iter()
        .zip(1..)
        .map(|(id, number)| ready(id, "new", number, now))
        .collect();
    assert_eq!(drained(&next_step(&service, now)), ["b", "c"]);
}

#[test]
fn a_deployment_starts_one_task_before_it_drains_an_old_one() {
    let now = Instant::now();
    let mut service = service(2, Rollout::STARTED);
    service.replicas = vec![ready("a", "old", 1, now), ready("b", "old", 2, now)];
    assert_eq!(next_step(&service, now), [Step::Start]);

    service
        .replicas
        .push(replica("c", "new", 3, Life::Starting, now));
    assert_eq!(next_step(&service, now), []);

    service.replicas[2] = ready("c", "new", 3, now);
    let steps = next_step(&service, now);
    assert_eq!(drained(&steps), ["a"]);
    assert!(steps.contains(&Step::Start));
}

#[test]
fn a_deployment_is_complete_when_no_old_task_serves() {
    let now = Instant::now();
    let mut service = service(1, Rollout::STARTED);
    service.replicas = vec![ready("b", "new", 2, now)];
    assert_eq!(next_step(&service, now), [Step::Complete]);
}

#[test]
fn a_failed_deployment_goes_and_the_old_tasks_stay() {
    let now = Instant::now();
    let mut service = service(2, Rollout::STARTED);
    service.replicas = vec![ready("a", "old", 1, now), ready("b", "old", 2, now)];
    for id in ["x", "y", "z"] {
        service
            .replicas
            .push(replica(id, "new", 3, Life::Starting, now));
        service.ended(id, "it ended with exit code 1", now);
    }
    assert!(
        matches!(&service.wanted.progress, Rollout::Failed { reason } if reason.contains("exit code 1"))
    );
    assert_eq!(next_step(&service, now), []);
    assert_eq!(service.wanted.restarts, 0);
}

#[test]
fn a_task_that_does_not_become_ready_is_killed_and_one_that_stays_unhealthy_is_replaced() {
    let now = Instant::now();
    let mut service = service(2, Rollout::Completed);
    service.replicas = vec![
        replica("a", "new", 1, Life::Starting, now),
        replica("b", "new", 2, Life::Unhealthy { since: now }, now),
    ];
    assert_eq!(next_step(&service, now), []);

    let steps = next_step(&service, now + UNHEALTHY_DEADLINE);
    assert_eq!(
        steps,
        [
            Step::Drain {
                id: "b".to_owned(),
                why: DrainReason::Unhealthy
            },
            Step::Start
        ]
    );
    let steps = next_step(&service, now + START_DEADLINE);
    assert!(steps.contains(&Step::Kill {
        id: "a".to_owned(),
        why: KillReason::NotReady
    }));
}

#[test]
fn a_task_that_drains_too_long_is_killed_once() {
    let now = Instant::now();
    let mut service = service(0, Rollout::Completed);
    service.replicas = vec![replica(
        "a",
        "new",
        1,
        Life::Draining { deadline: now },
        now,
    )];
    assert!(matches!(&next_step(&service, now)[..], [Step::Kill { .. }]));
    service.replicas[0].killed = true;
    assert_eq!(next_step(&service, now), []);
}

#[test]
fn a_replacement_waits_for_its_backoff() {
    let now = Instant::now();
    let mut service = service(1, Rollout::Completed);
    for id in ["a", "b"] {
        service.replicas = vec![ready(id, "new", 1, now)];
        service.ended(id, "it was ended by signal 9", now);
    }
    assert_eq!(next_step(&service, now), []);
    let wake = next_wake(&service, now).expect("a time to wake");
    assert_eq!(next_step(&service, wake), [Step::Start]);
    assert_eq!(service.wanted.restarts, 2);
}

/// What can happen to a service from outside.
#[derive(Clone, Debug)]
enum Happening {
    Ready(usize),
    Sick(usize),
    Dies(usize),
    Scale(u32),
    Deploy(u8),
    Later(u64),
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        6 => (0..8usize).prop_map(Happening::Ready),
        1 => (0..8usize).prop_map(Happening::Sick),
        1 => (0..8usize).prop_map(Happening::Dies),
        1 => (0..5u32).prop_map(Happening::Scale),
        1 => (0..3u8).prop_map(Happening::Deploy),
        3 => (1..8000u64).prop_map(Happening::Later),
    ]
}

/// A supervisor without processes.
struct World {
    service: Service,
    now: Instant,
    numbered: u64,
}

impl World {
    fn settle(&mut self) {
        for _ in 0..16 {
            let serving = self.serving();
            let steps = next_step(&self.service, self.now);
            if steps.is_empty() {
                return;
            }
            self.check(&steps, serving);
            steps.into_iter().for_each(|step| self.perform(step));
        }
        panic!("deciding does not come to an end: {:?}", self.service);
    }

    fn serving(&self) -> usize {
        self.service
            .replicas
            .iter()
            .filter(|it| it.is_ready())
            .count()
    }

    /// Replacing never takes what serves below what is wanted.
    fn check(&self, steps: &[Step], serving: usize) {
        let taken = |step: &&Step| {
            let Step::Drain {
                id,
                why: DrainReason::Replaced | DrainReason::ScaledIn,
            } = step
            else {
                return false;
            };
            self.service
                .replicas
                .iter()
                .any(|it| it.id == *id && it.is_ready())
        };
        let taken = steps.iter().filter(taken).count();
        let wanted = self.service.wanted.count as usize;
        assert!(
            taken == 0 || serving - taken >= wanted,
            "{steps:?} {:?}",
            self.service
        );
    }

    fn perform(&mut self, step: Step) {
        match step {
            Step::Start => {
                self.numbered += 1;
                let target = self.service.wanted.target().id.clone();
                let id = self.numbered.to_string();
                let life = Life::Starting;
                self.service
                    .replicas
                    .push(replica(&id, &target, self.numbered, life, self.now));
            }
            Step::Drain { id, .. } => {
                let deadline = self.now + Duration::from_secs(30);
                self.service.replica_mut(&id).expect("there").life = Life::Draining { deadline };
            }
            Step::Kill { id, .. } => self.service.ended(&id, "killed", self.now),
            Step::Complete => {
                self.service.wanted.progress = Rollout::Completed;
                self.service.wanted.stable = Some(self.service.wanted.deployment.clone());
            }
        }
    }

    fn happen(&mut self, happening: &Happening) {
        let now = self.now;
        let at = |n: usize, world: &Self| {
            let replicas = &world.service.replicas;
            (!replicas.is_empty()).then(|| replicas[n % replicas.len()].id.clone())
        };
        match happening {
            Happening::Ready(n) | Happening::Sick(n) => {
                if let Some(replica) = at(*n, self).and_then(|id| self.service.replica_mut(&id)) {
                    replica.checked(matches!(happening, Happening::Ready(_)), now);
                }
            }
            Happening::Dies(n) => {
                if let Some(id) = at(*n, self) {
                    self.service.ended(&id, "died", now);
                }
            }
            Happening::Scale(count) => self.service.wanted.set_count(*count),
            Happening::Deploy(n) => {
                let new = deployment(&format!("v{n}"));
                let id = format!("{n}-{}", self.numbered);
                self.service.wanted.deploy(new.template, || id);
            }
            Happening::Later(ms) => self.now += Duration::from_millis(*ms),
        }
    }
}

proptest! {
    #[test]
    fn whatever_happens_it_converges_once_tasks_come_up(
        happenings in prop::collection::vec(happening(), 0..60)
    ) {
        let mut world = World { service: service(2, Rollout::STARTED), now: Instant::now(), numbered: 0 };
        world.service.wanted.stable = None;
        world.settle();
        for happening in &happenings {
            world.happen(happening);
            world.settle();
            prop_assert!(world.service.replicas.iter().filter(|it| !it.is_draining()).count() <= 16);
        }
        // From here on nothing goes wrong: every task comes up, and drains in time.
        for _ in 0..40 {
            world.now += Duration::from_secs(1);
            let now = world.now;
            world.service.replicas.retain(|it| !it.is_draining());
            for replica in &mut world.service.replicas {
                replica.checked(true, now);
            }
            world.settle();
        }
        let target = world.service.wanted.target().id.clone();
        let wanted = world.service.wanted.count as usize;
        prop_assert_eq!(world.service.replicas.len(), wanted);
        prop_assert!(world.service.replicas.iter().all(|it| it.is_ready() && it.deployment == target));
        let under_way = matches!(world.service.wanted.progress, Rollout::UnderWay { .. });
        prop_assert!(!under_way);
    }
}
