//! Reads spec files and finds every problem in them at once, each with its place.
//!
//! ```text
//! bytes ─► text ─► YAML tree with places ─► JSON Schema ─► typed spec ─► rules between fields
//! ```
//!
//! `loanctl validate` and the controller use the same [`check`]. Nothing here does I/O: the caller
//! reads files and passes their bytes.
//!
//! ```
//! let checked = validation::check("specs/dev.yaml", b"kind: LoanPlatfrom\n");
//! assert!(checked.platform.is_none());
//! assert!(checked.diagnostics[0].one_line().starts_with("specs/dev.yaml:1:"));
//! ```

mod check;
mod diagnostic;
mod finding;
mod identity;
mod path;
mod render;
mod rules;
mod shape;
mod source;
mod suggest;
mod together;
mod tree;
mod typed;
mod yaml;

pub use check::{Checked, MAX_DIAGNOSTICS, NamePlace, check, is_spec_file, unreadable};
pub use diagnostic::{Diagnostic, Severity};
pub use render::render;
pub use rules::fargate_takes;
pub use source::MAX_FILE_BYTES;
pub use together::check_together;
