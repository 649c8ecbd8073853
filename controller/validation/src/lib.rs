//! Reads spec files and finds every problem in them at once, each with its place.
