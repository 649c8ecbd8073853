//! What is measured, and how.

mod controller;
mod figures;
mod phases;
mod process;
mod specs;
mod table;

pub(crate) use figures::Figures;
pub(crate) use phases::{cold, warm};
pub(crate) use process::{cpu, resident_mib};
pub(crate) use table::tell;
