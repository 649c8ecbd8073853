//! The home on this machine.
