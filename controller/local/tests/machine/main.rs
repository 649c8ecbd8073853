//! The home on real processes and a real PostgreSQL.

mod home;
mod services;
mod support;
