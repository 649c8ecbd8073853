//! Spec files: read, checked, and turned into the watcher events that kube-runtime works on.

mod entry;
mod inventory;
mod watcher;

pub use entry::{NAMESPACE, SpecContent, SpecEntry};
pub use inventory::{Inventory, Remembered, SpecFile};
pub use watcher::{SPECS_PREFIX, SpecWatcher};
