//! The engine's alarms on `CloudWatch`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use aws_sdk_cloudwatch::types::MetricAlarm;
use engine::ports::{
    AlarmDefinition, Alarms, BakeEvidence, DashboardState, ObservedAlarm, Permit, PortError, Seen,
    Trend, Urgency,
};
use jiff::Timestamp;
use schema::infrastructure::Infrastructure;
use schema::names::PlatformName;
use schema::platform::AlarmName;
use tokio::time::Instant;

use super::dashboard::Dashboards;
use super::evidence::Inquiry;
use super::gathering::{ByName, gathering};
use super::listed::Listed;
use super::pasts::Pasts;
use super::registry::Registry;
use super::trends::{Look, Recent};
use super::{change, definition, describe, metric_data, names, observation};
use crate::batcher::Batcher;
use crate::caller::Caller;
use crate::connection::Connection;
use crate::quota::Family;

/// Keeps alarms on `CloudWatch`.
#[derive(Debug)]
pub(crate) struct CloudWatchAlarms {
    connection: Connection,
    caller: Arc<Caller>,
    gathering: Batcher<ByName>,
    dashboards: Dashboards,
    infrastructure: Arc<ArcSwap<Infrastructure>>,
    registry: Mutex<Registry>,
    /// One listing at a time: whoever comes meanwhile finds it done.
    listing: tokio::sync::Mutex<()>,
    listed: Listed,
    pasts: Pasts,
    /// What was found of each platform at its last look.
    definitions: Mutex<BTreeMap<PlatformName, Vec<AlarmDefinition>>>,
    recent: Recent,
}

impl CloudWatchAlarms {
    /// `infrastructure` is what the account provides; a newer value counts from the next call on. Must be called
    /// within a runtime.
    pub(crate) fn new(
        connection: Connection,
        caller: Arc<Caller>,
        infrastructure: Arc<ArcSwap<Infrastructure>>,
    ) -> Self {
        Self {
            gathering: gathering(&connection, &caller),
            dashboards: Dashboards::new(
                connection.cloudwatch.clone(),
                Arc::clone(&caller),
                Arc::clone(&infrastructure),
            ),
            connection,
            caller,
            infrastructure,
            registry: Mutex::default(),
            listing: tokio::sync::Mutex::default(),
            listed: Listed::default(),
            pasts: Pasts::default(),
            definitions: Mutex::default(),
            recent: Recent::default(),
        }
    }

    /// The alarms of `platforms`, their pasts aside: from a listing of all there are when it is time to look for
    /// unknown ones or that was just done, else those that are known by their names.
    async fn look(
        &self,
        platforms: &BTreeSet<PlatformName>,
        urgency: Urgency,
    ) -> Result<Seen<ObservedAlarm>, PortError> {
        let is_stale = lock(&self.registry).is_stale(platforms, Instant::now());
        if is_stale && let Some(seen) = self.list(platforms, urgency).await? {
            return Ok(seen);
        }
        if let Some(seen) = self.listed.take(platforms, urgency, Instant::now()) {
            return Ok(seen);
        }
        let names = lock(&self.registry).of(platforms);
        let alarms = self.describe(names, urgency).await?;
        Ok(self.seen(&alarms, platforms))
    }

    /// The alarms with these names, read together with those that others ask for.
    async fn describe(
        &self,
        names: Vec<String>,
        urgency: Urgency,
    ) -> Result<Vec<MetricAlarm>, PortError> {
        let found = self.gathering.ask(names, urgency).await?;
        Ok(found.into_iter().map(|(_, alarm)| alarm).collect())
    }

    /// Lists all alarms, unless somebody else just did: those of `platforms` are told, the others kept for their
    /// own next looks.
    async fn list(
        &self,
        platforms: &BTreeSet<PlatformName>,
        urgency: Urgency,
    ) -> Result<Option<Seen<ObservedAlarm>>, PortError> {
        let _one_at_a_time = self.listing.lock().await;
        let began_at = Instant::now();
        if !lock(&self.registry).is_stale(platforms, began_at) {
            return Ok(None);
        }
        let infrastructure = self.infrastructure.load_full();
        let keep = |alarm: MetricAlarm| {
            let seen = observation::of(&alarm, &infrastructure);
            (alarm.alarm_name.unwrap_or_default(), seen)
        };
        let all = describe::all(&self.connection.cloudwatch, &self.caller, urgency, keep).await?;
        let names: BTreeSet<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
        lock(&self.registry).listed(names.iter().copied(), began_at);
        self.pasts.keep_only(&names);
        let at = self.connection.clock.now();
        let is_asked_for = |alarm: &ObservedAlarm| platforms.contains(&alarm.definition.platform);
        let seen = all.into_iter().filter_map(|(_, alarm)| alarm);
        let (found, others) = seen.partition(is_asked_for);
        self.listed.keep(others, at, began_at);
        Ok(Some(Seen { at, found }))
    }

    /// What is seen of those among `alarms` that are of `platforms`.
    fn seen(
        &self,
        alarms: &[MetricAlarm],
        platforms: &BTreeSet<PlatformName>,
    ) -> Seen<ObservedAlarm> {
        let infrastructure = self.infrastructure.load();
        let seen = alarms
            .iter()
            .filter_map(|alarm| observation::of(alarm, &infrastructure));
        Seen {
            at: self.connection.clock.now(),
            found: seen
                .filter(|alarm| platforms.contains(&alarm.definition.platform))
                .collect(),
        }
    }

    fn remember(&self, platforms: &BTreeSet<PlatformName>, alarms: &[ObservedAlarm]) {
        let mut definitions = lock(&self.definitions);
        for platform in platforms {
            let its = alarms.iter().map(|alarm| &alarm.definition);
            let its = its.filter(|it| it.platform == *platform);
            definitions.insert(platform.clone(), its.cloned().collect());
        }
    }

    /// The definitions by which the alarms of `platform` judge: as they were found, for those judge, not the
    /// ones wished for.
    async fn definitions(
        &self,
        platform: &PlatformName,
        urgency: Urgency,
    ) -> Result<Vec<AlarmDefinition>, PortError> {
        let known = lock(&self.definitions).get(platform).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let seen = self
            .observe(&BTreeSet::from([platform.clone()]), urgency)
            .await?;
        Ok(seen
            .found
            .into_iter()
            .map(|alarm| alarm.definition)
            .collect())
    }
}

#[async_trait]
impl Alarms for CloudWatchAlarms {
    fn recall(&self, known: &BTreeMap<PlatformName, BTreeSet<AlarmName>>) {
        lock(&self.registry).recall(known, Instant::now());
    }

    async fn observe(
        &self,
        platforms: &BTreeSet<PlatformName>,
        urgency: Urgency,
    ) -> Result<Seen<ObservedAlarm>, PortError> {
        let Seen { at, mut found } = self.look(platforms, urgency).await?;
        let cloudwatch = &self.connection.cloudwatch;
        let pasts = self
            .pasts
            .fill_in(&mut found, at, cloudwatch, &self.caller, urgency);
        pasts.await?;
        self.remember(platforms, &found);
        Ok(Seen { at, found })
    }

    async fn permit(&self, urgency: Urgency) -> Permit {
        self.caller.permit(&[Family::PutMetricAlarm], urgency).await
    }

    async fn put(&self, definition: &AlarmDefinition, permit: Permit) -> Result<(), PortError> {
        let name = names::in_cloudwatch(&definition.platform, &definition.name);
        let infrastructure = self.infrastructure.load_full();
        let surroundings = infrastructure.surroundings(&definition.platform);
        let body = definition::body(definition, surroundings).map_err(|unmeasurable| {
            PortError::refused(change::writing(&name), unmeasurable.to_string())
        })?;
        permit.begin();
        self.listed.changed(&definition.platform, Instant::now());
        change::put(&self.connection.cloudwatch, &self.caller, body, &name).await?;
        lock(&self.registry).written(&definition.platform, name, Instant::now());
        Ok(())
    }

    async fn delete(
        &self,
        platform: &PlatformName,
        name: &AlarmName,
        permit: Permit,
    ) -> Result<(), PortError> {
        let name = names::in_cloudwatch(platform, name);
        permit.begin();
        self.listed.changed(platform, Instant::now());
        change::delete(&self.connection.cloudwatch, &self.caller, &name).await?;
        lock(&self.registry).removed(platform, &name);
        Ok(())
    }

    async fn dashboard(
        &self,
        platform: &PlatformName,
        wanted: bool,
    ) -> Result<DashboardState, PortError> {
        self.dashboards.state(platform, wanted).await
    }

    async fn permit_dashboard(&self, urgency: Urgency) -> Permit {
        self.dashboards.permit(urgency).await
    }

    async fn keep_dashboard(
        &self,
        platform: &PlatformName,
        wanted: bool,
        permit: Permit,
    ) -> Result<(), PortError> {
        self.dashboards.keep(platform, wanted, permit).await
    }

    async fn evidence(
        &self,
        platform: &PlatformName,
        since: Timestamp,
        urgency: Urgency,
    ) -> Result<BakeEvidence, PortError> {
        let definitions = self.definitions(platform, urgency).await?;
        let infrastructure = self.infrastructure.load_full();
        let surroundings = infrastructure.surroundings(platform);
        let now = self.connection.clock.now();
        let inquiry = Inquiry::of(platform, &definitions, surroundings, since, now);
        let questions = inquiry.questions();
        let of_what = format!("platform {platform}");
        let client = &self.connection.cloudwatch;
        let answers = metric_data::read(client, &self.caller, &questions, &of_what, urgency);
        Ok(inquiry.conclude(&answers.await?))
    }

    async fn trends(&self, platform: &PlatformName) -> Result<Vec<Trend>, PortError> {
        // Whoever looks waits behind everything that the controller itself does.
        let urgency = Urgency::Resync;
        let reading = async {
            let definitions = self.definitions(platform, urgency).await?;
            let infrastructure = self.infrastructure.load_full();
            let now = self.connection.clock.now();
            let surroundings = infrastructure.surroundings(platform);
            let look = Look::at(platform, &definitions, surroundings, now);
            let of_what = format!("platform {platform}");
            let client = &self.connection.cloudwatch;
            let questions = look.questions();
            let answers = metric_data::read(client, &self.caller, &questions, &of_what, urgency);
            Ok(look.conclude(&answers.await?))
        };
        self.recent.or(platform, reading).await
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Only whole values are stored while it is held.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
