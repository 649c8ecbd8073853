//! A platform as everybody reads it.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use schema::platform::{API_VERSION, KIND, SOURCE};
use schema::revision::digest_of;
use schema::{LoanPlatformSpec, LoanPlatformStatus};
use serde::{Deserialize, Serialize};

use crate::specs::NAMESPACE;
use crate::state::PlatformState;
use crate::status::without_live_values;

/// A [`schema::LoanPlatform`] as status, API and console show it. A platform whose first spec is
/// invalid has no spec to show, but a status all the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlatformObject {
    /// `lending.dev/v1alpha1`
    pub api_version: String,
    /// `LoanPlatform`
    pub kind: String,
    /// Name, namespace and generation.
    pub metadata: ObjectMeta,
    /// The last good spec.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spec: Option<Arc<LoanPlatformSpec>>,
    /// What the controller found, decided and did.
    pub status: LoanPlatformStatus,
}

impl PlatformObject {
    /// What is remembered of a platform, with `status` as its status.
    #[must_use]
    pub fn new(state: &PlatformState, status: LoanPlatformStatus) -> Self {
        Self {
            api_version: API_VERSION.to_owned(),
            kind: KIND.to_owned(),
            metadata: ObjectMeta {
                name: Some(state.platform.to_string()),
                namespace: Some(NAMESPACE.to_owned()),
                generation: Some(state.generation),
                creation_timestamp: Some(Time(state.created_at)),
                uid: Some(uid(state)),
                labels: some_of(&state.labels),
                annotations: some_of(&annotations(state)),
                ..ObjectMeta::default()
            },
            spec: state
                .accepted
                .as_ref()
                .map(|accepted| Arc::clone(&accepted.spec)),
            status,
        }
    }

    /// Whether it is as the newest edit of its spec asks.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        let mut conditions = self.status.conditions.iter();
        self.status.observed_generation == self.metadata.generation
            && conditions.any(|it| it.type_ == "Ready" && it.status == "True")
    }

    /// Whether `other` differs from it in nothing but what moves all the time.
    #[must_use]
    pub fn rests_as(&self, other: &Self) -> bool {
        let (ours, theirs) = (&self.metadata, &other.metadata);
        ours.generation == theirs.generation
            && ours.labels == theirs.labels
            && ours.annotations == theirs.annotations
            && ours.uid == theirs.uid
            && self.spec == other.spec
            && (self.status == other.status || self.status_rests_as(other))
    }

    fn status_rests_as(&self, other: &Self) -> bool {
        self.status.history == other.status.history
            && without_live_values(&self.status) == without_live_values(&other.status)
    }

    /// What is remembered of a platform, with its status as it was last saved.
    #[must_use]
    pub fn saved(state: &PlatformState) -> Self {
        let status = LoanPlatformStatus {
            history: state.history.clone(),
            ..LoanPlatformStatus::clone(&state.status)
        };
        Self::new(state, status)
    }
}

/// Tells a platform from another one of the same name that was there before it: made from what never changes of it,
/// so that it is the same for every reader and after every restart. In the form of a UUID of version 8 (RFC 9562), as
/// Kubernetes clients expect one.
fn uid(state: &PlatformState) -> String {
    let digest = digest_of(&(&state.platform, state.created_at));
    let part = |from: usize, to: usize| digest.get(from..to).unwrap_or_default();
    format!(
        "{}-{}-8{}-8{}-{}",
        part(0, 8),
        part(8, 12),
        part(12, 15),
        part(15, 18),
        part(18, 30)
    )
}

/// Those of the spec file, and which file that is.
fn annotations(state: &PlatformState) -> BTreeMap<String, String> {
    let mut annotations = state.annotations.clone();
    if !state.source.is_empty() {
        annotations.insert(SOURCE.to_owned(), state.source.clone());
    }
    annotations
}

fn some_of(map: &BTreeMap<String, String>) -> Option<BTreeMap<String, String>> {
    (!map.is_empty()).then(|| map.clone())
}
