//! Services on ECS Fargate.
//!
//! A service of a platform is one ECS service with a name that can be worked out ([`names`]), so nothing has to
//! be remembered to find it again. What it should be is built by pure functions: its task definition
//! ([`task_definition`], [`tasks`]) and everything else that its home decides ([`service`]). What ECS tells of it is read by
//! pure functions as well ([`deployment`], [`observation`], [`registered`], [`scaling`]), and what of it is
//! otherwise than it should be ([`drift`], [`redefinition`]). [`compute`] looks,
//! [`permits`] says which calls a change takes, [`changes`] makes them.

mod changes;
mod compute;
mod definitions;
mod deployment;
mod describe;
mod drift;
mod environment;
mod failure;
#[cfg(test)]
mod fake;
#[cfg(test)]
mod fixture;
mod gathering;
mod glimpses;
mod health;
mod inventory;
mod names;
mod notebook;
mod observation;
mod own;
mod owner;
mod permits;
mod place;
mod probe;
mod redefinition;
mod registered;
mod reports;
mod scaling;
mod service;
mod targets;
mod task_definition;
mod tasks;
#[cfg(test)]
mod tests;
mod unprovided;

pub(crate) use compute::{EcsCompute, EcsParts};
pub(crate) use describe::Asking;
pub(crate) use gathering::Gathering;
pub use inventory::{Inventory, Unclaimed};
pub(crate) use names::parts_of;
pub(crate) use probe::Probe;
pub(crate) use reports::{Lowest, SettingsReports};
