//! A plan for machines.

use engine::forecast::{Bake, Begins, Fate, ScoringForecast, Stage};
use schema::revision::FieldChange;
use schema::units::format_millis;
use serde::Serialize;

use super::Planned;
use super::change::Change;

/// What `-o json` prints.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Document<'a> {
    changes: bool,
    platforms: Vec<Platform<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Platform<'a> {
    name: &'a str,
    file: &'a str,
    changes: bool,
    generation: Generation,
    /// Fields of the spec that are not what they were.
    edits: &'a [FieldChange],
    stages: Vec<StageDocument>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scoring: Option<ScoringDocument<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    waits_on: Option<&'a str>,
    warnings: Vec<&'a str>,
}

#[derive(Debug, Serialize)]
struct Generation {
    from: Option<i64>,
    to: i64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct StageDocument {
    begins: &'static str,
    /// How long the alarms have to show the effects of what came before.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<String>,
    changes: Vec<Change>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ScoringDocument<'a> {
    from: Option<&'a str>,
    to: &'a str,
    fields: &'a [FieldChange],
    fate: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bake: Option<BakeDocument>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct BakeDocument {
    bake_time: String,
    max_bake_time: String,
    min_samples: u32,
    alarms: Vec<GuardDocument>,
}

#[derive(Debug, Serialize)]
struct GuardDocument {
    name: String,
    fires: String,
}

pub(super) fn of(planned: &[Planned]) -> Document<'_> {
    let platforms: Vec<Platform<'_>> = planned.iter().map(platform).collect();
    Document {
        changes: platforms.iter().any(|it| it.changes),
        platforms,
    }
}

fn platform(planned: &Planned) -> Platform<'_> {
    let forecast = &planned.forecast;
    let warnings = forecast.warnings.iter().chain(&planned.notes);
    Platform {
        name: &planned.platform,
        file: &planned.file,
        changes: forecast.changes_something(),
        generation: Generation {
            from: forecast.from,
            to: forecast.generation,
        },
        edits: &forecast.edits,
        stages: forecast.stages.iter().map(stage).collect(),
        scoring: forecast.scoring.as_ref().map(scoring),
        waits_on: forecast.waits_on.as_deref(),
        warnings: warnings.map(String::as_str).collect(),
    }
}

fn stage(stage: &Stage) -> StageDocument {
    let (begins, after) = match stage.begins {
        Begins::AtOnce => ("AtOnce", None),
        Begins::Next => ("Next", None),
        Begins::AfterSettling(ms) => ("AfterSettling", Some(format_millis(ms))),
        Begins::AfterBaking => ("AfterBaking", None),
    };
    StageDocument {
        begins,
        after,
        changes: stage.steps.iter().map(Change::of).collect(),
    }
}

fn scoring(scoring: &ScoringForecast) -> ScoringDocument<'_> {
    let (fate, reason, watched) = match &scoring.fate {
        Fate::First(watched) => ("First", None, Some(bake(watched))),
        Fate::Bakes(watched) => ("Bakes", None, Some(bake(watched))),
        Fate::UnderWay(phase) => ("UnderWay", Some(format!("{phase:?}")), None),
        Fate::Approved => ("Approved", None, None),
        Fate::TakesBack => ("TakesBack", None, None),
        Fate::KeptOut(reason) => ("KeptOut", Some(reason.clone()), None),
        Fate::Waits(reason) => ("Waits", Some(reason.clone()), None),
    };
    ScoringDocument {
        from: scoring.from.as_ref().map(|digest| digest.0.as_str()),
        to: &scoring.to.0,
        fields: &scoring.fields,
        fate,
        reason,
        bake: watched,
    }
}

fn bake(bake: &Bake) -> BakeDocument {
    let guard = |guard: &engine::forecast::Guard| GuardDocument {
        name: guard.name.to_string(),
        fires: guard.definition.in_words(),
    };
    BakeDocument {
        bake_time: format_millis(bake.bake_ms),
        max_bake_time: format_millis(bake.longest_ms),
        min_samples: bake.samples,
        alarms: bake.guards.iter().map(guard).collect(),
    }
}
