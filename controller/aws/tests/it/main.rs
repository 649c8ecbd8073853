//! The AWS home against AWS emulators, over the real SDK.

mod documents;
mod world;
