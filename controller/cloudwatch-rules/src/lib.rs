//! CloudWatch's rules, in memory: metrics come in as EMF lines or single values, datapoints and
//! alarm states go out.
//!
//! - [`MetricStore`] keeps what was measured, in buckets of ten seconds, for three hours.
//! - [`evaluation`] judges datapoints by CloudWatch's rules for missing data. It is a pure function.
//! - [`trends`] shows them to people.
//! - [`AlarmBook`] holds alarms: definitions, states, transitions. It can be saved and restored.
//!
//! # Guarantees
//! Nothing here reads a clock or does I/O: time is always an argument. The same calls give the same
//! answers, on a laptop and in a simulated world.
//!
//! # Bounds
//! See [`Limits`]: as many series, and as many bytes, as it says; never more.

mod book;
mod bucket;
pub mod dimensions;
pub mod emf;
pub mod evaluation;
mod formula;
mod period;
mod series;
mod store;
pub mod trends;

pub use book::{
    AlarmBook, AlarmRecord, BookFull, MAX_ALARMS, MAX_TRANSITIONS, Snapshot, Transition,
};
pub use emf::EmfError;
pub use formula::{Datapoint, datapoints};
pub use period::Period;
pub use series::Dimensions;
pub use store::{Limits, MetricStore, StoreStats};
