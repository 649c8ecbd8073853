//! A controller's line to the world: the engine's ports, with everything that may happen on the way.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use engine::ports::{
    AlarmDefinition, Alarms, BakeEvidence, Compute, Document, DocumentVersion, Documents, Expected,
    Listed, ObservedAlarm, ObservedService, Permit, PortError, Rehearsal, Rehearsed, Seen,
    ServiceChange, Urgency,
};
use jiff::Timestamp;
use schema::names::PlatformName;
use schema::platform::AlarmName;

use super::World;
use super::call::{Call, Caller};
use super::harm::{ImageKind, kind_of};
use super::quota::{Quota, Quotas};
use super::scene::Scene;
use super::seat::Crash;
use super::weather::Api;

type Bucket = fn(&mut Quotas) -> &mut Quota;

/// The world as one life of one controller reaches it.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) world: Arc<World>,
    pub(crate) caller: Caller,
}

impl Line {
    /// Looks at something: takes its time, may fail, and is answered only when the controller runs.
    async fn look<T: Send>(
        &self,
        api: Api,
        bucket: Option<Bucket>,
        action: impl Display + Send + Sync,
        look: impl FnOnce(&mut Scene) -> T + Send,
    ) -> Result<T, PortError> {
        self.runs().await;
        let (latency, crashes) = {
            let mut scene = self.world.scene();
            scene.may_fall_asleep(&self.caller);
            (scene.latency(), scene.crashes())
        };
        tokio::time::sleep(latency).await;
        if crashes {
            self.crash().await;
        }
        let answer = {
            let mut scene = self.world.scene();
            scene.admit(api, bucket, &action).map(|()| look(&mut scene))
        };
        self.runs().await;
        answer
    }

    /// Changes something. Once under way, the call lands whatever becomes of the controller.
    async fn change<T: Send + 'static>(
        &self,
        call: Call,
        effect: impl FnOnce(&mut Scene, &Caller, &Call) -> Result<T, PortError> + Send + 'static,
    ) -> Result<T, PortError> {
        if self.stands_still() {
            // The controller was cut off before it made the call.
            self.runs().await;
            return Err(PortError::unavailable(call.to_string(), "stood still"));
        }
        let fate = self.world.scene().begin(&self.caller, &call);
        if fate.crash == Some(Crash::Before) {
            self.crash().await;
        }
        let (world, caller) = (Arc::clone(&self.world), self.caller.clone());
        let action = call.to_string();
        let landing = tokio::spawn(async move {
            tokio::time::sleep(fate.lands_in).await;
            effect(&mut world.scene(), &caller, &call)
        });
        let landed = landing.await;
        if fate.crash == Some(Crash::After) {
            self.crash().await;
        }
        tokio::time::sleep(fate.answers_in).await;
        self.runs().await;
        match landed {
            Ok(_) if fate.answer_is_lost => Err(PortError::unavailable(action, "connection reset")),
            Ok(answer) => answer,
            Err(ended) => Err(PortError::unavailable(action, ended)),
        }
    }

    fn stands_still(&self) -> bool {
        let passed = self.world.timeline().passed();
        let scene = self.world.scene();
        let seat = scene.seats.get(self.caller.seat);
        seat.is_some_and(|seat| seat.is_paused(passed))
    }

    /// Waits while the controller stands still.
    async fn runs(&self) {
        loop {
            let passed = self.world.timeline().passed();
            let until = {
                let scene = self.world.scene();
                let seat = scene.seats.get(self.caller.seat);
                seat.and_then(|seat| seat.paused_until)
            };
            match until.filter(|until| passed < *until) {
                Some(until) => tokio::time::sleep_until(self.world.timeline().at(until)).await,
                None => return,
            }
        }
    }

    /// The controller ends here: whoever drives it lets go of it.
    async fn crash(&self) {
        {
            let mut scene = self.world.scene();
            if let Some(seat) = scene.seats.get_mut(self.caller.seat)
                && seat.holder.as_ref() == Some(&self.caller.holder)
            {
                seat.crashed = true;
            }
        }
        self.world.bell().notify_one();
        std::future::pending::<()>().await;
    }
}

#[async_trait]
impl Compute for Line {
    async fn observe(
        &self,
        _: &BTreeSet<PlatformName>,
        _: Urgency,
    ) -> Result<Seen<ObservedService>, PortError> {
        let bucket: Bucket = |quotas| &mut quotas.read_services;
        self.look(Api::Ecs, Some(bucket), "describe services", |scene| {
            let at = scene.land.now();
            scene.advance_fleet(at);
            Seen {
                at,
                found: scene.land.fleet.shown(at),
            }
        })
        .await
    }

    async fn rehearse(&self, rehearsal: &Rehearsal, _: Urgency) -> Result<Rehearsed, PortError> {
        // Whether an image starts is found out by starting it: ECS knows no rehearsal. Whether there is
        // such an image can be asked.
        let image = rehearsal.template.image.clone();
        self.look(
            Api::Ecs,
            None,
            "describe an image",
            move |_| match kind_of(&image) {
                ImageKind::Missing => Rehearsed::Unsound {
                    reason: format!("there is no image {image}"),
                },
                _ => Rehearsed::Sound,
            },
        )
        .await
    }

    async fn apply(&self, change: &ServiceChange, _: i64, _: Permit) -> Result<(), PortError> {
        self.change(Call::Apply(change.clone()), Scene::land).await
    }
}

#[async_trait]
impl Alarms for Line {
    async fn observe(
        &self,
        _: &BTreeSet<PlatformName>,
        _: Urgency,
    ) -> Result<Seen<ObservedAlarm>, PortError> {
        let bucket: Bucket = |quotas| &mut quotas.describe_alarms;
        self.look(Api::CloudWatch, Some(bucket), "describe alarms", |scene| {
            Seen {
                at: scene.land.now(),
                found: scene.land.monitor.observed(),
            }
        })
        .await
    }

    async fn put(&self, definition: &AlarmDefinition, _: Permit) -> Result<(), PortError> {
        let call = Call::PutAlarm(definition.clone());
        self.change(call, Scene::land).await
    }

    async fn delete(&self, _: &PlatformName, name: &AlarmName, _: Permit) -> Result<(), PortError> {
        let call = Call::DeleteAlarm(name.clone());
        self.change(call, Scene::land).await
    }

    async fn evidence(
        &self,
        _: &PlatformName,
        since: Timestamp,
        _: Urgency,
    ) -> Result<BakeEvidence, PortError> {
        let bucket: Bucket = |quotas| &mut quotas.get_metrics;
        self.look(
            Api::CloudWatch,
            Some(bucket),
            "get metric data",
            move |scene| scene.land.monitor.evidence(since),
        )
        .await
    }
}

#[async_trait]
impl Documents for Line {
    async fn get(&self, path: &str) -> Result<Option<Document>, PortError> {
        self.look(Api::S3, None, path, |scene| scene.land.shelf.get(path))
            .await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Listed>, PortError> {
        self.look(Api::S3, None, prefix, |scene| {
            let now = scene.land.now();
            let mut listed = scene.land.shelf.list(prefix, now);
            if prefix == "specs/" {
                let percent = scene.faults.lagging_lists / 4.0;
                if scene.dice.happens(percent) {
                    listed.clear();
                    let holder = &self.caller.holder;
                    scene.note(format!("{holder}: a listing leaves the spec out"));
                }
                let holder = &self.caller.holder;
                scene.land.ledger.list(holder, &listed, now);
            }
            listed
        })
        .await
    }

    async fn put(
        &self,
        path: &str,
        bytes: Bytes,
        expected: Expected,
    ) -> Result<DocumentVersion, PortError> {
        let call = settings_in(path, &bytes).unwrap_or_else(|| Call::Put(path.to_owned()));
        let path = path.to_owned();
        self.change(call, move |scene, caller, call| {
            scene.put(caller, call, &path, bytes, &expected)
        })
        .await
    }

    async fn delete(&self, path: &str) -> Result<(), PortError> {
        self.change(Call::Delete(path.to_owned()), Scene::land)
            .await
    }
}

fn settings_in(path: &str, bytes: &Bytes) -> Option<Call> {
    if !path.starts_with("settings/") {
        return None;
    }
    serde_json::from_slice(bytes).ok().map(Call::PutSettings)
}
