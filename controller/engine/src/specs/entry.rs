//! One platform as its spec file stands: valid, invalid, or gone.

use std::borrow::Cow;
use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use schema::names::PlatformName;
use schema::{LoanPlatform, LoanPlatformSpec};
use serde::Deserialize;

/// Namespace of every platform: the controller knows one.
pub const NAMESPACE: &str = "default";

/// What kube-runtime keeps of one platform.
///
/// It stands in for [`LoanPlatform`] because a file that cannot be read still needs a reconcile: the
/// last good spec stays in force, and the status says what is wrong. It can be deserialised because
/// kube-runtime asks for that of everything it can watch; nothing ever does.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct SpecEntry {
    /// Name and namespace.
    pub metadata: ObjectMeta,
    /// The platform's name.
    pub platform: PlatformName,
    /// The file: `specs/local.yaml`.
    pub source: String,
    /// What the file says.
    pub content: SpecContent,
}

/// What a spec file says.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub enum SpecContent {
    /// A valid spec.
    Valid(Arc<LoanPlatformSpec>),
    /// Nothing usable.
    Invalid {
        /// Every problem, a line each; each starts `FILE:LINE:COLUMN`.
        problems: String,
        /// Version of the file, so that each bad edit counts once.
        version: String,
    },
    /// The file is gone, and was looked for twice.
    Removed,
}

impl SpecEntry {
    /// The entry of `platform` as `source` has it.
    #[must_use]
    pub fn new(platform: PlatformName, source: String, content: SpecContent) -> Self {
        let metadata = ObjectMeta {
            name: Some(platform.to_string()),
            namespace: Some(NAMESPACE.to_owned()),
            ..ObjectMeta::default()
        };
        Self {
            metadata,
            platform,
            source,
            content,
        }
    }

    /// The same entry with what else the file says of itself.
    #[must_use]
    pub fn described_by(mut self, metadata: &ObjectMeta) -> Self {
        self.metadata.labels.clone_from(&metadata.labels);
        self.metadata.annotations.clone_from(&metadata.annotations);
        self
    }
}

impl Resource for SpecEntry {
    type DynamicType = ();
    type Scope = <LoanPlatform as Resource>::Scope;

    fn kind((): &()) -> Cow<'_, str> {
        LoanPlatform::kind(&())
    }

    fn group((): &()) -> Cow<'_, str> {
        LoanPlatform::group(&())
    }

    fn version((): &()) -> Cow<'_, str> {
        LoanPlatform::version(&())
    }

    fn plural((): &()) -> Cow<'_, str> {
        LoanPlatform::plural(&())
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}
