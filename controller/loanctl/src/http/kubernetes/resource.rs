//! The kinds of objects that there are to read.

use schema::platform::{GROUP, KIND, VERSION};

/// A kind of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resource {
    /// The platforms.
    Platforms,
    /// What happened to them.
    Events,
    /// The one namespace that they are in.
    Namespaces,
}

/// What clients call a kind of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Names {
    /// API group; empty for the core's.
    pub(super) group: &'static str,
    /// Version of the group.
    pub(super) version: &'static str,
    /// Kind of one object.
    pub(super) kind: &'static str,
    /// Name in paths.
    pub(super) plural: &'static str,
    /// Name of one, where people type it.
    pub(super) singular: &'static str,
    /// Shorter names.
    pub(super) short: &'static [&'static str],
    /// Groups of resources that it is one of.
    pub(super) categories: &'static [&'static str],
}

impl Resource {
    /// All that there are.
    pub(super) const ALL: [Self; 3] = [Self::Platforms, Self::Events, Self::Namespaces];

    /// What clients call it.
    pub(super) const fn names(self) -> Names {
        match self {
            Self::Platforms => Names {
                group: GROUP,
                version: VERSION,
                kind: KIND,
                plural: "loanplatforms",
                singular: "loanplatform",
                short: &["lp"],
                categories: &["all"],
            },
            Self::Events => Names {
                group: "",
                version: "v1",
                kind: "Event",
                plural: "events",
                singular: "event",
                short: &["ev"],
                categories: &[],
            },
            Self::Namespaces => Names {
                group: "",
                version: "v1",
                kind: "Namespace",
                plural: "namespaces",
                singular: "namespace",
                short: &["ns"],
                categories: &[],
            },
        }
    }

    /// Whether its objects are in namespaces.
    pub(super) const fn is_namespaced(self) -> bool {
        !matches!(self, Self::Namespaces)
    }

    /// Whether the status of an object can be read by itself.
    pub(super) const fn has_status(self) -> bool {
        matches!(self, Self::Platforms)
    }

    /// The one of group and version that paths call `plural`.
    pub(super) fn called(group: &str, version: &str, plural: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|resource| {
            let names = resource.names();
            (names.group, names.version, names.plural) == (group, version, plural)
        })
    }
}

impl Names {
    /// Group and version as objects carry them: `v1`, `lending.dev/v1alpha1`.
    pub(super) fn api_version(self) -> String {
        match self.group {
            "" => self.version.to_owned(),
            group => format!("{group}/{}", self.version),
        }
    }

    /// The name with its group: `loanplatforms.lending.dev`.
    pub(super) fn qualified(self) -> String {
        match self.group {
            "" => self.plural.to_owned(),
            group => format!("{}.{group}", self.plural),
        }
    }
}
