//! One platform in full, less what its viewer has already.

use std::sync::Arc;

use engine::board::PlatformObject;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use schema::status::HistoryEntry;
use schema::{LoanPlatformSpec, LoanPlatformStatus};
use serde::Serialize;

/// One platform. What is absent is as it was.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Detail<'a> {
    /// The time here, which countdowns go by.
    at: Timestamp,
    ready: bool,
    metadata: &'a ObjectMeta,
    /// Without its history, which is the larger part and changes seldom.
    status: LoanPlatformStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    history: Option<&'a [Arc<HistoryEntry>]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    spec: Option<Option<&'a LoanPlatformSpec>>,
}

impl<'a> Detail<'a> {
    /// What someone has to be told of `platform` who saw it as it was `before`; nothing where it is the same.
    pub(super) fn news(
        before: Option<&PlatformObject>,
        platform: &'a PlatformObject,
        at: Timestamp,
    ) -> Option<Self> {
        if before == Some(platform) {
            return None;
        }
        let history = &platform.status.history;
        let has_history = before.is_some_and(|before| before.status.history == *history);
        let has_spec = before.is_some_and(|before| before.spec == platform.spec);
        Some(Self {
            at,
            ready: platform.is_ready(),
            metadata: &platform.metadata,
            status: LoanPlatformStatus {
                history: Vec::new(),
                ..platform.status.clone()
            },
            history: (!has_history).then_some(history.as_slice()),
            spec: (!has_spec).then_some(platform.spec.as_deref()),
        })
    }
}
