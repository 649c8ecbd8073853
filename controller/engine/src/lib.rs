//! The controller's engine: pure functions that decide, and a thin shell that drives them.
//!
//! Everything the engine needs of the world is a port (see [`ports`]), with one implementation for
//! AWS and one for a laptop. The engine names no AWS type.

pub mod ports;
