//! Spec files in, problems out: the crate as `loanctl validate` and the controller use it.

mod alarm_rules;
mod files;
mod output;
mod provider_rules;
mod robustness;
mod rollout_rules;
mod shape;
mod specs;
mod support;
