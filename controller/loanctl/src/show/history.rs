//! What happened, in a line or in full.

use schema::status::{Actor, Evidence, HistoryEntry};

/// When, what and why, in one line.
pub(crate) fn headline(entry: &HistoryEntry) -> String {
    let message = entry.message.lines().next().unwrap_or_default();
    format!("{:.0}  {:?}  {message}", entry.at, entry.kind)
}

/// All that is known of it: the evidence and the changed fields on lines of their own.
pub(crate) fn entry(entry: &HistoryEntry) -> String {
    let mut lines = vec![headline(entry), format!("    by {}", who(entry.by))];
    lines.extend(
        entry
            .message
            .lines()
            .skip(1)
            .map(|line| format!("    {line}")),
    );
    let Some(evidence) = &entry.evidence else {
        return lines.join("\n");
    };
    if let Some(alarm) = &evidence.alarm {
        lines.push(format!("    alarm {alarm}{}", firing(evidence)));
    }
    if let Some(samples) = evidence.samples {
        lines.push(format!("    scoring calls seen: {samples}"));
    }
    lines.extend(evidence.fields.iter().map(|change| format!("    {change}")));
    lines.join("\n")
}

/// Who brought it about, in words.
const fn who(by: Actor) -> &'static str {
    match by {
        Actor::Controller => "the controller",
        Actor::Spec => "an edit of the spec",
        Actor::Alarm => "an alarm",
        Actor::Runner => "what runs the tasks",
        Actor::Outside => "somebody past the spec",
    }
}

/// What is known of the firing; nothing where the alarm is named for another reason.
fn firing(evidence: &Evidence) -> String {
    let Some(fired_at) = evidence.fired_at else {
        return String::new();
    };
    let value = evidence
        .value
        .map_or_else(|| "missing data".to_owned(), |value| format!("{value:.2}"));
    let threshold = evidence
        .threshold
        .map_or_else(|| "-".to_owned(), |threshold| threshold.to_string());
    format!(": value {value}, threshold {threshold}, fired {fired_at:.0}")
}
