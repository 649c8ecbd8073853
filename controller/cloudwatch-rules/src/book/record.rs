//! What is remembered of an alarm, in the form in which it is saved.

use std::collections::VecDeque;

use engine::ports::{AlarmDefinition, Firing};
use jiff::Timestamp;
use schema::names::PlatformName;
use schema::platform::AlarmName;
use schema::status::AlarmState;
use serde::{Deserialize, Serialize};

/// A whole book, as it is saved.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// Its alarms.
    pub alarms: Vec<AlarmRecord>,
}

/// What is remembered of one alarm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AlarmRecord {
    /// Its definition.
    pub definition: AlarmDefinition,
    /// When its definition was last written.
    pub configured_at: Timestamp,
    /// Its state.
    pub state: AlarmState,
    /// When it came into that state.
    pub since: Timestamp,
    /// Its newest move into `ALARM`, whatever its state is now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_firing: Option<Firing>,
    /// Its transitions, oldest first.
    #[serde(default)]
    pub history: VecDeque<Transition>,
}

/// An alarm that changed its state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Transition {
    /// The alarm's platform.
    pub platform: PlatformName,
    /// The alarm.
    pub name: AlarmName,
    /// State it was in.
    pub from: AlarmState,
    /// State it came into.
    pub to: AlarmState,
    /// When.
    pub at: Timestamp,
    /// Value of the newest datapoint that brought it there, where one did: one that breaches, when it
    /// fires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// Start of the first breaching datapoint among those it was judged on, when it fires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_breach_at: Option<Timestamp>,
    /// Why, in words.
    pub reason: String,
}
