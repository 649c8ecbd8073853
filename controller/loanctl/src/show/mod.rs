//! Platforms as people read them.

mod columns;
mod history;
mod platform;

pub(crate) use history::entry;
#[cfg(feature = "local")]
pub(crate) use history::headline;
pub(crate) use platform::{platform, table};
