//! What every service shares, so that a service's own code is about its own job.
//!
//! A service's `main` parses its arguments and calls [`run`] with a function that builds its
//! [`Application`]. Everything else happens here: both listeners, the settings watcher, telemetry,
//! signals and the graceful stop.
//!
//! ```no_run
//! use clap::Parser;
//! use schema::names::ServiceName;
//! use schema::settings::AuthSettings;
//! use service_kit::{Application, BoxError, Context, ServiceArgs};
//! use warp::Filter;
//!
//! #[derive(Parser)]
//! struct Args {
//!     #[command(flatten)]
//!     service: ServiceArgs,
//! }
//!
//! async fn build(context: Context<AuthSettings>) -> Result<Application, BoxError> {
//!     let requests = context.metrics.own().counter(schema::signals::Metric::Calls);
//!     let settings = context.settings.clone();
//!     let hello = warp::path!("hello").then(move || {
//!         requests.add(1);
//!         let lifetime = settings.load().settings.token_lifetime;
//!         async move { service_kit::reply::json(&lifetime.to_string()) }
//!     });
//!     Ok(Application::new(hello.boxed()))
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), service_kit::RunError> {
//!     service_kit::run(ServiceName::Auth, Args::parse().service, build).await
//! }
//! ```
//!
//! # What a service may rely on
//! - `build` is called once, after the first valid settings were read: [`Settings::load`] always has
//!   a document. Until then the service port answers 503 and `/readyz` says why.
//! - Handlers run inside a [`trace::TraceContext`], which every line of the log names;
//!   [`client::send`] makes a call part of it.
//! - A client that hangs up cancels its handler. Work that must go on belongs into
//!   [`Context::tasks`], with the trace of its request; a stop waits for it within the drain deadline.

pub mod admin;
pub mod args;
pub mod aws;
pub mod body;
mod causes;
pub mod client;
pub mod dependency;
pub mod health_check;
pub mod lifecycle;
mod open_files;
pub mod openapi;
mod panics;
mod parent;
pub mod problem;
pub mod rate_limit;
pub mod readiness;
pub mod rehearsal;
pub mod reply;
pub mod server;
pub mod settings;
pub mod tasks;
pub mod telemetry;
pub mod trace;

pub use args::ServiceArgs;
pub use causes::with_causes;
pub use client::Hosts;
pub use lifecycle::{Application, BoxError, Context, RunError, run};
pub use problem::Problem;
pub use settings::Settings;
pub use tasks::{Outliving, Tasks};
pub use telemetry::metrics::Metrics;
