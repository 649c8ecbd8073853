//! The deciding half of the engine, told as stories: edits, alarms and time go in, and what a person
//! would see comes out. The world obeys every plan at once and keeps no secrets.

mod story;

mod dashboard;
mod edge_cases;
mod forecast;
mod mixed_edits;
mod modes;
mod platform;
mod remedies;
mod rollback;
mod rollout;
mod uncalled;
