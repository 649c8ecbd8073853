//! Services on ECS Fargate.

mod deployment;
mod drift;
mod environment;
mod fargate;
#[cfg(test)]
mod fixture;
mod names;
mod observation;
mod owner;
mod place;
mod registered;
mod service;
mod task_definition;
mod unprovided;
