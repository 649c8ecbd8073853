//! Services on ECS Fargate.

mod environment;
mod fargate;
#[cfg(test)]
mod fixture;
mod names;
mod owner;
mod place;
mod registered;
mod task_definition;
mod unprovided;
