//! Traffic: how many applications come, and how many of their scoring calls fail.

use std::time::Duration;

use schema::names::ServiceName;

use super::fleet::{Fleet, Service};
use super::harm::{Harm, ImageKind, kind_of};
use super::monitor::Sample;
use crate::dice::Dice;

/// How traffic goes over time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Traffic {
    /// As many requests a second all the time.
    Steady(f64),
    /// As many by day; one in fifty of them in every other two hours.
    QuietNights(f64),
    /// As many for six minutes, and nobody in the next four.
    Bursts(f64),
    /// Nobody comes.
    None,
}

impl Traffic {
    /// Requests a second when the world has existed for `passed`.
    #[must_use]
    pub fn rate(self, passed: Duration) -> f64 {
        let is_night = passed.as_secs() / 7_200 % 2 == 1;
        let is_between_bursts = passed.as_secs() % 600 >= 360;
        match self {
            Self::QuietNights(rate) if is_night => rate / 50.0,
            Self::Bursts(_) if is_between_bursts => 0.0,
            Self::Steady(rate) | Self::QuietNights(rate) | Self::Bursts(rate) => rate,
            Self::None => 0.0,
        }
    }
}

/// What comes of `length` of traffic at `rate`, while `base` of all calls fail whatever runs.
pub(crate) fn serve(
    fleet: &Fleet,
    rate: f64,
    base: f64,
    length: Duration,
    dice: &mut Dice,
) -> Sample {
    let api = fleet.service(ServiceName::LoanApi);
    if api.is_none_or(|api| api.serving().next().is_none()) {
        return Sample::default();
    }
    let expected = rate * length.as_secs_f64() * dice.level(0.85, 1.15);
    let calls = whole(expected, dice);
    let share = base.max(failing_share(fleet, rate));
    let failures = if share >= 1.0 {
        calls
    } else {
        whole(f64::from(calls) * share, dice).min(calls)
    };
    let errors = whole(f64::from(calls) * api_errors(fleet), dice).min(calls);
    Sample {
        calls,
        failures,
        errors,
    }
}

/// The next whole number below or above, as often as it is near.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "such a cast saturates, which is what is wanted"
)]
fn whole(value: f64, dice: &mut Dice) -> u32 {
    (value + dice.level(0.0, 1.0)).floor() as u32
}

fn failing_share(fleet: &Fleet, rate: f64) -> f64 {
    let scoring = fleet.service(ServiceName::Scoring);
    let of_scoring = scoring.map_or(1.0, |scoring| mean(scoring, rate, 1.0));
    let api = fleet.service(ServiceName::LoanApi);
    of_scoring.max(api.map_or(0.0, |api| mean(api, rate, 0.0)))
}

/// Mean share of failing calls over the serving tasks; `without` where none serves.
fn mean(service: &Service, rate: f64, without: f64) -> f64 {
    let (mut count, mut total) = (0_u32, 0.0);
    for task in service.serving() {
        let settings = task.settings().map_or(Harm::NONE, |taken| taken.harm);
        let image = Harm::of_image(&task.template().image);
        total += settings.at(rate).max(image.at(rate));
        count += 1;
    }
    if count == 0 {
        without
    } else {
        total / f64::from(count)
    }
}

/// Share of the loan API's own answers that are errors: those of a bad image of its own.
fn api_errors(fleet: &Fleet) -> f64 {
    let Some(api) = fleet.service(ServiceName::LoanApi) else {
        return 0.0;
    };
    let bad = |image| kind_of(image) == ImageKind::Bad;
    if api.serving().any(|task| bad(&task.template().image)) {
        0.5
    } else {
        0.0
    }
}
