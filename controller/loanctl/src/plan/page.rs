//! A plan as people read it: `+ ~ -`, old → new, stage by stage.

use std::io::stdout;

use engine::forecast::{Bake, Begins, Fate, ScoringForecast, Stage};
use schema::revision::FieldChange;
use schema::units::format_millis;

use super::Planned;
use super::change::{Change, Effect, Kind, in_words};
use crate::output::colour;

/// Width of the column of things.
const RESOURCE_WIDTH: usize = 32;

/// Colours, or none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paint {
    is_on: bool,
}

impl Paint {
    /// Colours where standard output is a terminal whose user wants them.
    pub(super) fn for_terminal() -> Self {
        Self {
            is_on: colour(&stdout()),
        }
    }

    fn text(self, code: &str, text: &str) -> String {
        if self.is_on {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    fn bold(self, text: &str) -> String {
        self.text("1", text)
    }

    fn dim(self, text: &str) -> String {
        self.text("2", text)
    }

    fn warning(self, text: &str) -> String {
        self.text("33;1", text)
    }

    fn sign(self, kind: Kind) -> String {
        match kind {
            Kind::Create => self.text("32;1", "+"),
            Kind::Update => self.text("33;1", "~"),
            Kind::Delete => self.text("31;1", "-"),
        }
    }
}

/// Every plan, one after the other.
pub(super) fn of(planned: &[Planned], paint: Paint) -> String {
    let pages: Vec<String> = planned.iter().map(|it| one(it, paint)).collect();
    pages.join("\n\n")
}

fn one(planned: &Planned, paint: Paint) -> String {
    let mut parts = vec![head(planned, paint)];
    let forecast = &planned.forecast;
    parts.extend(forecast.stages.iter().map(|it| stage(it, paint)));
    parts.extend(forecast.scoring.as_ref().map(|it| scoring(it, paint)));
    if let Some(waits_on) = in_vain(planned) {
        parts.push(format!("It then waits: {waits_on}."));
    }
    let warnings = forecast.warnings.iter().chain(&planned.notes);
    let warnings: Vec<String> = warnings
        .map(|it| format!("{} {it}", paint.warning("warning:")))
        .collect();
    if !warnings.is_empty() {
        parts.push(warnings.join("\n"));
    }
    parts.push(paint.bold(&summary(planned)));
    parts.join("\n\n")
}

/// What is still waited for, where the scoring revision does not say so already.
fn in_vain(planned: &Planned) -> Option<&str> {
    let forecast = &planned.forecast;
    let is_told = matches!(
        forecast.scoring.as_ref().map(|scoring| &scoring.fate),
        Some(Fate::Waits(_) | Fate::KeptOut(_))
    );
    forecast.waits_on.as_deref().filter(|_| !is_told)
}

fn head(planned: &Planned, paint: Paint) -> String {
    let forecast = &planned.forecast;
    let generation = match forecast.from {
        None => "new".to_owned(),
        Some(from) if from == forecast.generation => format!("generation {from}"),
        Some(from) => format!("generation {from} → {}", forecast.generation),
    };
    let name = paint.bold(&planned.platform);
    format!(
        "{name}: {generation} {}",
        paint.dim(&format!("({})", planned.file))
    )
}

fn stage(stage: &Stage, paint: Paint) -> String {
    let mut text = paint.dim(&begins(stage.begins));
    for step in &stage.steps {
        text.push('\n');
        text.push_str(&change(&Change::of(step), paint));
    }
    text
}

fn begins(begins: Begins) -> String {
    match begins {
        Begins::AtOnce => "at once:".to_owned(),
        Begins::Next | Begins::AfterSettling(0) => "when that has settled:".to_owned(),
        Begins::AfterSettling(ms) => format!(
            "when that has settled, and its effects had {} to show in the alarms:",
            format_millis(ms)
        ),
        Begins::AfterBaking => "when the scoring change has proved good:".to_owned(),
    }
}

fn change(change: &Change, paint: Paint) -> String {
    let note = if change.summary.is_empty() {
        in_words(change.kind, change.effect)
    } else {
        &change.summary
    };
    let mut text = format!("  {} {}", paint.sign(change.kind), change.resource);
    if !note.is_empty() {
        let gap = RESOURCE_WIDTH
            .saturating_sub(change.resource.chars().count())
            .max(2);
        text.push_str(&" ".repeat(gap));
        text.push_str(&paint.dim(note));
    }
    for field in &change.fields {
        text.push_str("\n      ");
        text.push_str(&field_text(field));
    }
    text
}

fn field_text(field: &FieldChange) -> String {
    match (&field.from, &field.to) {
        (None, Some(to)) => format!("+ {}: {to}", field.path),
        (Some(from), None) => format!("- {}: {from}", field.path),
        _ => field.to_string(),
    }
}

fn scoring(scoring: &ScoringForecast, paint: Paint) -> String {
    let to = scoring.to.short();
    let revision = match &scoring.from {
        Some(from) if *from != scoring.to => format!("scoring revision {} → {to}", from.short()),
        _ => format!("scoring revision {to}"),
    };
    let mut text = paint.bold(&revision);
    for field in &scoring.fields {
        text.push_str("\n      ");
        text.push_str(&field_text(field));
    }
    text.push('\n');
    text.push_str(&fate(&scoring.fate));
    text
}

fn fate(fate: &Fate) -> String {
    match fate {
        Fate::First(bake) => format!(
            "  None has proved good yet: it is applied at once, and there is nothing to go back to until one has.\n{}",
            watched(bake, "as long as none of these fires")
        ),
        Fate::Bakes(bake) => format!(
            "  A new revision, which bakes.\n{}",
            watched(bake, "it is taken back when one of these fires")
        ),
        Fate::UnderWay(phase) => format!("  It is under way ({phase:?}), and goes on."),
        Fate::Approved => {
            "  Its bake had too little data: it is promoted by rollout.approve.".to_owned()
        }
        Fate::TakesBack => {
            "  It was in force before the change under way, which is taken back.".to_owned()
        }
        Fate::KeptOut(reason) => format!("  It stays out: {reason}"),
        Fate::Waits(reason) => format!("  It waits: {reason}."),
    }
}

fn watched(bake: &Bake, guarded: &str) -> String {
    let mut text = format!(
        "  It is watched for {} ({} at most) and passes with {} scoring calls",
        format_millis(bake.bake_ms),
        format_millis(bake.longest_ms),
        bake.samples
    );
    if bake.guards.is_empty() {
        text.push_str("; no alarm judges it.");
        return text;
    }
    text.push_str(&format!("; {guarded}:"));
    for guard in &bake.guards {
        text.push_str(&format!(
            "\n      {}: {}",
            guard.name,
            guard.definition.in_words()
        ));
    }
    text
}

fn summary(planned: &Planned) -> String {
    let forecast = &planned.forecast;
    if !forecast.changes_something() {
        return if forecast.from == Some(forecast.generation) {
            "No changes: the platform is as this file asks.".to_owned()
        } else {
            "No changes: nothing that runs, no setting and no alarm.".to_owned()
        };
    }
    let changes: Vec<Change> = forecast.steps().map(Change::of).collect();
    let of_kind = |kind| changes.iter().filter(|it| it.kind == kind).count();
    let with = |effect| {
        let mut updates = changes.iter().filter(|it| it.kind == Kind::Update);
        updates.by_ref().filter(|it| it.effect == effect).count()
    };
    let mut text = format!(
        "Plan: {} to make, {} to change, {} to remove.",
        of_kind(Kind::Create),
        of_kind(Kind::Update),
        of_kind(Kind::Delete)
    );
    let deployments = counted(with(Effect::Deployment), "deployment");
    let live = counted(with(Effect::Live), "live setting");
    let parts: Vec<String> = [deployments, live].into_iter().flatten().collect();
    if !parts.is_empty() {
        text.push_str(&format!(" Among them: {}.", parts.join(", ")));
    }
    text
}

fn counted(count: usize, noun: &str) -> Option<String> {
    match count {
        0 => None,
        1 => Some(format!("1 {noun}")),
        count => Some(format!("{count} {noun}s")),
    }
}
