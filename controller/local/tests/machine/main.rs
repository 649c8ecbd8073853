//! The home on real processes and a real PostgreSQL.

mod alarms;
mod compute;
mod home;
mod services;
mod support;
