//! The AWS home against AWS emulators, over the real SDK.
#![expect(clippy::expect_used, reason = "a helper that fails fails its test")]

mod alarms;
mod compute;
mod documents;
mod world;
