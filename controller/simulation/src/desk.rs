//! The desk: where the spec file is written. It knows the rules of the schema, and breaks them on
//! purpose only.

use std::sync::Arc;

use schema::LoanPlatformSpec;
use schema::platform::{API_VERSION, KIND};

use crate::world::{World, platform};

/// Where the spec file of the platform lies.
pub const SPEC_PATH: &str = "specs/prod.yaml";

/// A platform as it is in production, with alarms of ten seconds.
const BASE: &str = include_str!("base.yaml");

/// The spec that every scenario starts from.
///
/// # Errors
/// When the base spec is not valid, which a test makes sure of.
pub fn base() -> Result<LoanPlatformSpec, NotValid> {
    read(BASE)
}

/// A spec that the schema or the rules refuse.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotValid(String);

fn read(text: &str) -> Result<LoanPlatformSpec, NotValid> {
    let checked = validation::check(SPEC_PATH, text.as_bytes());
    let problems = || {
        let lines: Vec<String> = checked
            .diagnostics
            .iter()
            .map(validation::Diagnostic::one_line)
            .collect();
        NotValid(lines.join("\n"))
    };
    let platform = checked.platform.as_ref().ok_or_else(problems)?;
    Ok(platform.spec.clone())
}

/// Who writes the spec file, and what stands in it.
#[derive(Debug)]
pub(crate) struct Desk {
    world: Arc<World>,
    /// The newest valid spec that was submitted.
    pub(crate) spec: LoanPlatformSpec,
    /// Valid specs that were submitted before, the newest last.
    pub(crate) before: Vec<LoanPlatformSpec>,
    /// Whether the file is there.
    pub(crate) is_there: bool,
}

/// Specs remembered to go back to.
const KEPT: usize = 6;

impl Desk {
    pub(crate) fn new(world: &Arc<World>, spec: LoanPlatformSpec) -> Self {
        Self {
            world: Arc::clone(world),
            spec,
            before: Vec::new(),
            is_there: false,
        }
    }

    /// Submits the spec as it stands.
    pub(crate) fn submit(&mut self, why: &str) {
        let text = written(&self.spec);
        let mut scene = self.world.scene();
        scene.note(format!("the spec is submitted: {why}"));
        scene.submit(SPEC_PATH, Some(text));
        self.is_there = true;
    }

    /// Edits the spec and submits it. An edit that the rules refuse is submitted all the same, and the
    /// spec at the desk stays as it was.
    pub(crate) fn edit(&mut self, why: &str, edit: impl FnOnce(&mut LoanPlatformSpec)) {
        let mut edited = self.spec.clone();
        edit(&mut edited);
        let text = written(&edited);
        let verdict = match read(&text) {
            Ok(_) => {
                self.before.push(std::mem::replace(&mut self.spec, edited));
                if self.before.len() > KEPT {
                    self.before.remove(0);
                }
                String::new()
            }
            Err(problems) => format!(" (refused: {problems})"),
        };
        let mut scene = self.world.scene();
        scene.note(format!("the spec is edited: {why}{verdict}"));
        scene.submit(SPEC_PATH, Some(text));
        self.is_there = true;
    }

    /// Submits something that is no spec.
    pub(crate) fn spoil(&mut self, text: &str) {
        let mut scene = self.world.scene();
        scene.note("the spec is edited: it cannot be read now".to_owned());
        scene.submit(SPEC_PATH, Some(text.to_owned()));
        self.is_there = true;
    }

    /// Removes the file.
    pub(crate) fn remove(&mut self) {
        let mut scene = self.world.scene();
        scene.note("the spec file is removed".to_owned());
        scene.submit(SPEC_PATH, None);
        self.is_there = false;
    }
}

/// A spec as its file has it. JSON is YAML.
fn written(spec: &LoanPlatformSpec) -> String {
    let file = serde_json::json!({
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": platform()},
        "spec": spec,
    });
    file.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_spec_is_valid_and_survives_being_written() {
        let base = base().unwrap();
        assert_eq!(read(&written(&base)).unwrap(), base);
    }
}
