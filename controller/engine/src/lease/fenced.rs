//! The world as the holder of the lease may use it: looking is free, changing is fenced.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use schema::names::PlatformName;
use schema::platform::AlarmName;

use super::holding::Lease;
use crate::ports::{
    AlarmDefinition, Alarms, BakeEvidence, Compute, DashboardState, Document, DocumentVersion,
    Documents, Expected, Listed, ObservedAlarm, ObservedService, Permit, PortError, Rehearsal,
    Rehearsed, Seen, ServiceChange, Trend, Urgency,
};

/// A port whose calls that change something go through only while the lease is held.
#[derive(Debug)]
pub(crate) struct Fenced<P: ?Sized> {
    pub(crate) port: Arc<P>,
    pub(crate) lease: Arc<Lease>,
}

impl<P: ?Sized> Fenced<P> {
    pub(crate) fn new(port: &Arc<P>, lease: &Arc<Lease>) -> Self {
        Self {
            port: Arc::clone(port),
            lease: Arc::clone(lease),
        }
    }
}

#[async_trait]
impl Compute for Fenced<dyn Compute> {
    async fn observe(
        &self,
        platforms: &BTreeSet<PlatformName>,
        urgency: Urgency,
    ) -> Result<Seen<ObservedService>, PortError> {
        self.port.observe(platforms, urgency).await
    }

    async fn rehearse(
        &self,
        rehearsal: &Rehearsal,
        urgency: Urgency,
    ) -> Result<Rehearsed, PortError> {
        self.port.rehearse(rehearsal, urgency).await
    }

    async fn permit(&self, change: &ServiceChange, urgency: Urgency) -> Permit {
        self.port.permit(change, urgency).await
    }

    async fn apply(
        &self,
        change: &ServiceChange,
        generation: i64,
        permit: Permit,
    ) -> Result<(), PortError> {
        let call = self.port.apply(change, generation, permit);
        self.lease.fence(change, call).await
    }
}

#[async_trait]
impl Alarms for Fenced<dyn Alarms> {
    async fn observe(
        &self,
        platforms: &BTreeSet<PlatformName>,
        urgency: Urgency,
    ) -> Result<Seen<ObservedAlarm>, PortError> {
        self.port.observe(platforms, urgency).await
    }

    async fn permit(&self, urgency: Urgency) -> Permit {
        self.port.permit(urgency).await
    }

    async fn put(&self, definition: &AlarmDefinition, permit: Permit) -> Result<(), PortError> {
        let action = format!("write alarm {}", definition.name);
        let call = self.port.put(definition, permit);
        self.lease.fence(action, call).await
    }

    async fn delete(
        &self,
        platform: &PlatformName,
        name: &AlarmName,
        permit: Permit,
    ) -> Result<(), PortError> {
        let action = format!("remove alarm {name}");
        let call = self.port.delete(platform, name, permit);
        self.lease.fence(action, call).await
    }

    async fn dashboard(
        &self,
        platform: &PlatformName,
        wanted: bool,
    ) -> Result<DashboardState, PortError> {
        self.port.dashboard(platform, wanted).await
    }

    async fn permit_dashboard(&self, urgency: Urgency) -> Permit {
        self.port.permit_dashboard(urgency).await
    }

    async fn keep_dashboard(
        &self,
        platform: &PlatformName,
        wanted: bool,
        permit: Permit,
    ) -> Result<(), PortError> {
        let action = if wanted { "write" } else { "remove" };
        let call = self.port.keep_dashboard(platform, wanted, permit);
        self.lease
            .fence(format!("{action} the dashboard"), call)
            .await
    }

    async fn evidence(
        &self,
        platform: &PlatformName,
        since: Timestamp,
        urgency: Urgency,
    ) -> Result<BakeEvidence, PortError> {
        self.port.evidence(platform, since, urgency).await
    }

    async fn trends(&self, platform: &PlatformName) -> Result<Vec<Trend>, PortError> {
        self.port.trends(platform).await
    }
}

#[async_trait]
impl Documents for Fenced<dyn Documents> {
    async fn get(&self, path: &str) -> Result<Option<Document>, PortError> {
        self.port.get(path).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Listed>, PortError> {
        self.port.list(prefix).await
    }

    async fn put(
        &self,
        path: &str,
        bytes: Bytes,
        expected: Expected,
    ) -> Result<DocumentVersion, PortError> {
        let call = self.port.put(path, bytes, expected);
        self.lease.fence(format!("write {path}"), call).await
    }

    async fn delete(&self, path: &str) -> Result<(), PortError> {
        let call = self.port.delete(path);
        self.lease.fence(format!("remove {path}"), call).await
    }
}
