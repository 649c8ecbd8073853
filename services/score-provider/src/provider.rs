//! What the provider does with an attempt: pure, with the time as an argument and its own dice.

use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use schema::platform::Outages;
use schema::settings::ScoreProviderSettings;

use crate::latency;
use crate::queue::Queue;

/// The provider's state: its queue and its dice.
#[derive(Debug)]
pub struct Provider {
    random: StdRng,
    queue: Queue,
}

/// What becomes of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is answered with a score.
    Scored {
        /// After this time.
        after: Duration,
    },
    /// It is answered with 500.
    Broken {
        /// After this time.
        after: Duration,
    },
    /// It is not answered.
    Hangs,
    /// It is turned away with 503, at once.
    TurnedAway,
    /// It is answered with 503, at once: nobody is there.
    Out,
}

impl Provider {
    /// An idle provider. Equal seeds make equal dice.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            random: StdRng::seed_from_u64(seed),
            queue: Queue::default(),
        }
    }

    /// Takes an attempt on, `since_epoch` after the beginning of 1970. Whatever becomes of it, its work counts, even
    /// if the caller hangs up.
    pub fn take(
        &mut self,
        settings: &ScoreProviderSettings,
        now: Instant,
        since_epoch: Duration,
    ) -> Fate {
        if settings.outages.is_some_and(|it| is_out(it, since_epoch)) {
            return Fate::Out;
        }
        let waiting = match settings.capacity {
            Some(capacity) => self.queue.admit(capacity.get(), now),
            None => Ok(Duration::ZERO),
        };
        let Ok(waiting) = waiting else {
            return Fate::TurnedAway;
        };
        let after = waiting + latency::sample(settings.latency, &mut self.random);
        if self.happens(settings.hang_rate.get()) {
            Fate::Hangs
        } else if self.happens(settings.error_rate.get()) {
            Fate::Broken { after }
        } else {
            Fate::Scored { after }
        }
    }

    fn happens(&mut self, percent: u32) -> bool {
        self.random.random_range(0..100) < percent
    }
}

fn is_out(outages: Outages, since_epoch: Duration) -> bool {
    let every_ms = outages.every.get().as_millis().max(1);
    since_epoch.as_millis() % every_ms < outages.length.get().as_millis()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPOCH: Duration = Duration::ZERO;

    fn settings(error_rate: u32, hang_rate: u32) -> ScoreProviderSettings {
        serde_json::from_value(serde_json::json!({
            "latency": { "p50": "60ms", "p99": "180ms" },
            "errorRate": error_rate,
            "hangRate": hang_rate,
        }))
        .unwrap()
    }

    fn fates(settings: &ScoreProviderSettings, seed: u64) -> Vec<Fate> {
        let mut provider = Provider::new(seed);
        let now = Instant::now();
        (0..10_000)
            .map(|_| provider.take(settings, now, EPOCH))
            .collect()
    }

    #[test]
    fn equal_seeds_have_equal_fates() {
        let settings = settings(5, 1);
        assert_eq!(fates(&settings, 7), fates(&settings, 7));
        assert_ne!(fates(&settings, 7), fates(&settings, 8));
    }

    #[test]
    fn errors_and_hangs_come_as_often_as_asked_for() {
        let fates = fates(&settings(5, 1), 7);
        let count = |wanted: fn(&Fate) -> bool| fates.iter().filter(|fate| wanted(fate)).count();
        let broken = count(|fate| matches!(fate, Fate::Broken { .. }));
        let hanging = count(|fate| matches!(fate, Fate::Hangs));
        assert!((400..600).contains(&broken), "{broken} of 10000");
        assert!((60..140).contains(&hanging), "{hanging} of 10000");
    }

    #[test]
    fn an_outage_begins_at_every_multiple_and_lasts_its_length() {
        let mut settings = settings(0, 0);
        settings.outages = serde_json::from_str(r#"{"every": "60s", "length": "2s"}"#).unwrap();
        let mut provider = Provider::new(7);
        let now = Instant::now();
        for (at_ms, is_out) in [
            (0, true),
            (1_999, true),
            (2_000, false),
            (59_999, false),
            (60_000, true),
            (62_000, false),
        ] {
            let fate = provider.take(&settings, now, Duration::from_millis(at_ms));
            assert_eq!(fate == Fate::Out, is_out, "{at_ms}");
        }
    }

    #[test]
    fn a_provider_without_limits_answers_all() {
        let all_scored = |fate: &Fate| matches!(fate, Fate::Scored { .. });
        assert!(fates(&settings(0, 0), 7).iter().all(all_scored));
    }
}
