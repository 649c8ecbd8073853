//! Which settings documents are written.

use schema::names::ServiceName;
use schema::revision::{FieldChange, leaf_changes};
use schema::settings::{ServiceSettings, SettingsDocument};

use super::PlanContext;
use super::action::{Action, Step};
use crate::desired::Desired;
use crate::observed::{Observed, ObservedSettings};
use crate::ports::Expected;

/// The documents to write. Scoring's comes last: what others need to judge it is in place by then.
pub(super) fn puts(context: PlanContext<'_>, desired: &Desired, observed: &Observed) -> Vec<Step> {
    let (scoring, others): (Vec<_>, Vec<_>) = desired
        .settings
        .iter()
        .partition(|(service, _)| **service == ServiceName::Scoring);
    others
        .into_iter()
        .chain(scoring)
        .filter_map(|(service, settings)| put(context, desired, observed, *service, settings))
        .collect()
}

fn put(
    context: PlanContext<'_>,
    desired: &Desired,
    observed: &Observed,
    service: ServiceName,
    settings: &ServiceSettings,
) -> Option<Step> {
    let (epoch, sequence) = context.settings_order;
    let found = observed.settings.get(&service);
    let drift = found.map_or_else(Vec::new, |found| drift(found, settings, desired, service));
    if found.is_some() && drift.is_empty() {
        return None;
    }
    let document = SettingsDocument {
        platform: context.platform.clone(),
        service,
        epoch,
        sequence,
        revision: settings.revision(),
        scoring_revision: desired.scoring_revision.to_string(),
        settings: settings.clone(),
    };
    let expected = found.map_or(Expected::Absent, |found| {
        Expected::Version(found.version.clone())
    });
    let action = Action::PutSettings { document, expected };
    Some(Step { action, drift })
}

/// What a document that lies there says other than it should.
fn drift(
    found: &ObservedSettings,
    settings: &ServiceSettings,
    desired: &Desired,
    service: ServiceName,
) -> Vec<FieldChange> {
    let Some(document) = &found.document else {
        return vec![field("document", "unreadable", "settings")];
    };
    if document.settings != *settings {
        return leaf_changes(&document.settings, settings);
    }
    if scores(service) && document.scoring_revision != desired.scoring_revision.0 {
        let (found, wanted) = (&document.scoring_revision, &desired.scoring_revision.0);
        return vec![field("scoringRevision", found, wanted)];
    }
    Vec::new()
}

fn field(path: &str, found: &str, wanted: &str) -> FieldChange {
    FieldChange {
        path: path.to_owned(),
        from: Some(found.to_owned()),
        to: Some(wanted.to_owned()),
    }
}

/// Whether `service` stores or reports which scoring revision it works under.
pub(super) const fn scores(service: ServiceName) -> bool {
    matches!(service, ServiceName::LoanApi | ServiceName::Scoring)
}
