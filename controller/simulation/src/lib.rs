//! A deterministic world that the engine is tested in.
//!
//! A world is one account in a simulated cloud, with one platform in it: services that take their time
//! to start, alarms that judge what was really served, documents that conflict, people who edit, and
//! controllers that crash, pause and contend. Time is tokio's paused clock, chance comes from a seed, and
//! the controllers are the unmodified engine. After everything that happens the invariants of the
//! design are checked.
//!
//! ```no_run
//! let outcome = simulation::Scenario::drawn(42).run();
//! assert!(outcome.violation.is_none(), "{outcome}");
//! ```

mod crew;
mod desk;
mod dice;
mod hints;
mod invariants;
mod mutation;
mod outcome;
mod people;
mod scenario;
mod script;
mod timeline;
mod trace;
mod variety;
mod world;

pub use desk::{NotValid, SPEC_PATH, base};
pub use dice::Dice;
pub use invariants::Violation;
pub use mutation::{Mutation, MutationError};
pub use outcome::{Outcome, Tally};
pub use scenario::{Scenario, fresh_seed};
pub use script::{Missed, Script};
pub use trace::Trace;
pub use world::{Api, Climate, Crash, Faults, ImageKind, Outage, Traffic, is_bad, kind_of};
