//! Platforms as people read them.

mod columns;
mod history;
mod platform;

pub(crate) use history::{entry, headline};
pub(crate) use platform::{platform, table};
