//! The scoring revisions of a platform, and what differs between two.

use engine::state::{ChangeRecord, ScoringState};
use engine::state_store::StateStore;
use http::StatusCode;
use schema::names::PlatformName;
use schema::revision::{FieldChange, RevisionDigest};
use serde::Serialize;
use service_kit::{Problem, reply};
use warp::reply::Response as Reply;

use super::super::Port;
use super::super::asked::Asked;

/// A revision that something still names.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Named {
    digest: RevisionDigest,
    /// What it is, in words.
    names: Vec<&'static str>,
    /// Whether its content is still known, so that it can be compared.
    kept: bool,
}

#[derive(Serialize)]
struct Revisions {
    revisions: Vec<Named>,
}

#[derive(Serialize)]
struct Difference {
    from: RevisionDigest,
    to: RevisionDigest,
    fields: Vec<FieldChange>,
}

/// The content of a revision that is not known any more.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the content of revision {0} is not kept: the history has what it changed")]
struct Forgotten(String);

pub(super) async fn answer(port: &Port, name: &PlatformName, asked: &Asked) -> Reply {
    // Read on demand, from where the controller writes it: nothing is kept for it here.
    let store = StateStore::new(std::sync::Arc::clone(&port.documents));
    let state = match store.load(name).await {
        Ok(Some(state)) => state,
        Ok(None) => return Problem::not_found("no platform has that name").into_response(),
        Err(error) => {
            tracing::warn!(platform = %name, %error, "revisions cannot be shown");
            return Problem::new(
                StatusCode::BAD_GATEWAY,
                "STATE_UNREADABLE",
                format!("the revisions cannot be read now: {error}"),
            )
            .into_response();
        }
    };
    let (Some(from), Some(to)) = (asked.parameter("from"), asked.parameter("to")) else {
        return reply::json(&Revisions {
            revisions: named(&state.scoring),
        });
    };
    match difference(&state.scoring, from, to) {
        Ok(difference) => reply::json(&difference),
        Err(forgotten) => Problem::not_found(forgotten.to_string()).into_response(),
    }
}

/// Every revision that `scoring` names, those in force first.
fn named(scoring: &ScoringState) -> Vec<Named> {
    let candidate = |change: Option<&ChangeRecord>| change.map(|change| change.candidate.clone());
    let is_moving = scoring.is_moving();
    let moving = scoring.change.as_ref().filter(|_| is_moving);
    let resting = scoring.change.as_ref().filter(|_| !is_moving);
    let mut found = Vec::new();
    let singles = [
        ("live", scoring.live().cloned()),
        ("candidate", candidate(moving)),
        ("last good", scoring.last_good().cloned()),
        ("waiting", candidate(scoring.next.as_ref())),
        ("not proved yet", candidate(scoring.standing.as_ref())),
        ("last tried", candidate(resting)),
    ];
    for (name, digest) in singles {
        note(&mut found, scoring, digest.as_ref(), name);
    }
    if scoring.live().is_none() {
        note(
            &mut found,
            scoring,
            scoring.image.as_ref(),
            "image in force",
        );
        let settings = scoring.settings.as_ref();
        note(&mut found, scoring, settings, "settings in force");
    }
    for digest in scoring.good.iter().rev().skip(1) {
        note(&mut found, scoring, Some(digest), "good before");
    }
    for entry in scoring.quarantine.iter().rev() {
        note(&mut found, scoring, Some(&entry.revision), "quarantined");
    }
    found
}

fn note(
    found: &mut Vec<Named>,
    scoring: &ScoringState,
    digest: Option<&RevisionDigest>,
    name: &'static str,
) {
    let Some(digest) = digest else { return };
    match found.iter_mut().find(|known| known.digest == *digest) {
        Some(known) => known.names.push(name),
        None => found.push(Named {
            digest: digest.clone(),
            names: vec![name],
            kept: scoring.revision(digest).is_some(),
        }),
    }
}

fn difference(scoring: &ScoringState, from: String, to: String) -> Result<Difference, Forgotten> {
    let (from, to) = (RevisionDigest(from), RevisionDigest(to));
    let content = |digest: &RevisionDigest| {
        let known = scoring.revision(digest);
        known.ok_or_else(|| Forgotten(digest.short().to_owned()))
    };
    let fields = content(&from)?.changes_to(content(&to)?);
    Ok(Difference { from, to, fields })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;
    use schema::LoanPlatformSpec;
    use schema::revision::ScoringRevision;
    use schema::status::Quarantined;

    use super::*;

    fn revision(image: &str) -> ScoringRevision {
        let text = include_str!("../../../tests/e2e/platform.yaml").replace("scoring:0.1.0", image);
        let checked = validation::check("local.yaml", text.as_bytes());
        let spec: LoanPlatformSpec = checked.platform.unwrap().spec;
        ScoringRevision::of(&spec)
    }

    fn digest(text: &str) -> RevisionDigest {
        RevisionDigest(text.to_owned())
    }

    fn scoring() -> ScoringState {
        let kept = [("new", "scoring:0.2.0"), ("old", "scoring:0.1.0")];
        ScoringState {
            revisions: kept
                .into_iter()
                .map(|(name, image)| (digest(name), Arc::new(revision(image))))
                .collect(),
            image: Some(digest("new")),
            settings: Some(digest("new")),
            good: vec![digest("old"), digest("new")],
            quarantine: vec![Arc::new(Quarantined {
                revision: digest("bad"),
                alarm: None,
                value: None,
                threshold: None,
                reason: String::new(),
                at: Timestamp::UNIX_EPOCH,
                convicted: true,
                retry_token: String::new(),
                attempt: 1,
            })],
            ..ScoringState::default()
        }
    }

    #[test]
    fn a_revision_is_listed_once_by_all_its_names() {
        let named = named(&scoring());
        let told: Vec<_> = named
            .iter()
            .map(|it| (it.digest.0.as_str(), it.names.clone(), it.kept))
            .collect();
        assert_eq!(
            told,
            [
                ("new", vec!["live", "last good"], true),
                ("old", vec!["good before"], true),
                ("bad", vec!["quarantined"], false),
            ]
        );
    }

    #[test]
    fn two_revisions_differ_by_fields() {
        let told = difference(&scoring(), "old".to_owned(), "new".to_owned()).unwrap();
        let fields: Vec<String> = told.fields.iter().map(ToString::to_string).collect();
        assert_eq!(
            fields,
            ["services.scoring.image: scoring:0.1.0 → scoring:0.2.0"]
        );
        let gone = difference(&scoring(), "old".to_owned(), "bad".to_owned());
        assert_eq!(gone.err(), Some(Forgotten("bad".to_owned())));
    }
}
