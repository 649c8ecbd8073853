//! The home on this machine: the engine's ports with processes, files and a private PostgreSQL.
//!
//! - [`Home`] starts and ends everything.
//! - [`LocalCompute`] is the `Compute` port: services are groups of child processes, behind fronts
//!   that spread requests over them and lose none while tasks come and go.
//! - [`LocalAlarms`] is the `Alarms` port: CloudWatch's rules on what the processes emit.
//! - [`StoreDocuments`] is the `Documents` port, on directories.
//! - [`SpecWatch`] tells when a spec file changed.
//!
//! # Guarantees
//! One home to a state directory. No process outlives its home, however that ends: children are told
//! by the kernel. What is wanted of every service is on disk, and is brought back at the next start.

mod alarms;
mod compute;
mod database;
mod documents;
mod error;
mod front;
mod home;
mod launcher;
mod lock;
mod postgres;
mod secrets;
mod state_dir;
mod usage;
mod watch;

pub use alarms::LocalAlarms;
pub use compute::LocalCompute;
pub use documents::StoreDocuments;
pub use error::HomeError;
pub use home::{Home, HomeConfig, Progress};
pub use lock::{RunningHome, running_on};
pub use state_dir::RecordError;
pub use watch::SpecWatch;
