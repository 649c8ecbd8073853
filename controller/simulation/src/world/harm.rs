//! Harm: what a revision does to the calls it serves. The world knows it; the engine has to find out.

use schema::platform::{BreakerMode, Image};
use schema::revision::ScoringRevision;
use schema::settings::ServiceSettings;

/// Requests a second below which too many retries overload nobody.
const LOADED_FROM: f64 = 0.5;

/// What comes of an image's tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageKind {
    /// They serve.
    Good,
    /// They start, and fail most calls.
    Bad,
    /// They never become ready.
    Broken,
    /// There is no such image, so no task of it can be started. That can be found out beforehand.
    Missing,
}

/// What comes of `image`, by its tag: `scoring:bad-1`, `scoring:broken-2`, `scoring:missing-3`.
#[must_use]
pub fn kind_of(image: &Image) -> ImageKind {
    let tag = image.0.rsplit(':').next().unwrap_or_default();
    if tag.starts_with("bad") {
        ImageKind::Bad
    } else if tag.starts_with("broken") {
        ImageKind::Broken
    } else if tag.starts_with("missing") {
        ImageKind::Missing
    } else {
        ImageKind::Good
    }
}

/// Share of scoring calls that fail.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Harm {
    /// Always.
    always: f64,
    /// While there is load.
    loaded: f64,
}

impl ImageKind {
    /// Whether tasks of it become ready.
    pub(crate) const fn starts(self) -> bool {
        matches!(self, Self::Good | Self::Bad)
    }
}

impl Harm {
    pub(crate) const NONE: Self = Self {
        always: 0.0,
        loaded: 0.0,
    };

    pub(crate) fn of_image(image: &Image) -> Self {
        match kind_of(image) {
            ImageKind::Bad => Self {
                always: 0.7,
                loaded: 0.0,
            },
            ImageKind::Good | ImageKind::Broken | ImageKind::Missing => Self::NONE,
        }
    }

    /// A breaker that is held open refuses every call; eight attempts and more turn a flaky provider
    /// into an overloaded one.
    pub(crate) fn of_settings(settings: &ServiceSettings) -> Self {
        match settings {
            ServiceSettings::Scoring(scoring) => Self::of_calls(
                scoring.provider.circuit_breaker.mode,
                scoring.provider.retry.max_attempts.get(),
            ),
            ServiceSettings::LoanApi(api) => {
                Self::of_calls(api.clients.scoring.circuit_breaker.mode, 1)
            }
            ServiceSettings::Auth(_) | ServiceSettings::ScoreProvider(_) => Self::NONE,
        }
    }

    fn of_calls(mode: BreakerMode, max_attempts: u32) -> Self {
        Self {
            always: f64::from(u8::from(mode == BreakerMode::ForcedOpen)),
            loaded: match max_attempts {
                0..=7 => 0.0,
                8 => 0.6,
                9 => 0.8,
                _ => 0.95,
            },
        }
    }

    /// Share of calls that fail at `rate` requests a second.
    pub(crate) fn at(self, rate: f64) -> f64 {
        if rate >= LOADED_FROM {
            self.always.max(self.loaded)
        } else {
            self.always
        }
    }
}

/// Whether calls fail under `revision` when there is load.
#[must_use]
pub fn is_bad(revision: &ScoringRevision) -> bool {
    let provider = &revision.settings.clients.provider;
    let scoring = Harm::of_calls(
        provider.circuit_breaker.mode,
        provider.retry.max_attempts.get(),
    );
    let api = Harm::of_calls(revision.settings.loan_api_client.circuit_breaker.mode, 1);
    let harms = [scoring, api, Harm::of_image(&revision.image.image)];
    harms.iter().any(|harm| harm.at(LOADED_FROM) > 0.0)
}
