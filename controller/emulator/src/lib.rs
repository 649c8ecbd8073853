//! The AWS emulators that tests of the AWS home run against.
//!
//! [`Emulators`] are two programs, ministack and moto, behind one port. What stands in front of them
//! sends each call to the emulator that does it better, speaks the protocol that the SDK speaks,
//! holds clients to limits that AWS has and the emulators do not, counts calls, and breaks them when
//! a test asks for it. Nothing in production knows of this crate.
//!
//! ```no_run
//! # async fn example() -> Result<(), emulator::EmulatorError> {
//! use emulator::{Emulators, Fault, Options, Service};
//!
//! let emulators = Emulators::start(Options::default()).await?;
//! emulators.create_cluster("loans").await?;
//! let throttled = emulators.inject(Fault::throttle(Service::Ecs).on("UpdateService").times(3));
//! // … a client of `emulators.endpoint()` …
//! assert_eq!(throttled.hits(), 3);
//! # Ok(())
//! # }
//! ```
//!
//! # Caveats
//! Both emulators are more lenient than AWS. No signature is checked, nothing is eventually
//! consistent, alarms do not evaluate by themselves (see [`Emulators::set_alarm_state`]), and neither
//! ECS nor CloudWatch says on EventBridge what happens.

mod api;
mod cluster;
mod error;
mod fault;
mod install;
mod journal;
mod prepare;
mod process;
mod proxy;

pub use api::{Api, Service};
pub use cluster::{Emulators, Options};
pub use error::EmulatorError;
pub use fault::{Fault, FaultGuard};
pub use journal::Call;
