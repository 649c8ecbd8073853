//! Chance, from a seed: the same seed gives the same world.

use std::ops::RangeInclusive;
use std::time::Duration;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

/// Draws from a seed. Nothing else in a simulated world is left to chance.
#[derive(Clone, Debug)]
pub struct Dice(Xoshiro256PlusPlus);

impl Dice {
    /// Dice that always fall the same way for `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    /// Dice of their own, so that what is drawn here does not depend on what is drawn there.
    pub fn fork(&mut self) -> Self {
        Self::new(self.0.random())
    }

    /// Whether something happens that does so in `percent` of a hundred cases.
    pub fn happens(&mut self, percent: f64) -> bool {
        percent > 0.0 && self.0.random_range(0.0..100.0) < percent
    }

    /// A whole number of the range.
    pub fn between(&mut self, range: RangeInclusive<u32>) -> u32 {
        self.0.random_range(range)
    }

    /// A number from `low` up to, and without, `high`.
    pub fn level(&mut self, low: f64, high: f64) -> f64 {
        self.0.random_range(low..high)
    }

    /// A length of time within the range, in milliseconds.
    pub fn pause(&mut self, range_ms: RangeInclusive<u32>) -> Duration {
        Duration::from_millis(self.between(range_ms).into())
    }

    /// One of `options`, all as likely; nothing if there are none.
    pub fn pick<'a, T>(&mut self, options: &'a [T]) -> Option<&'a T> {
        if options.is_empty() {
            return None;
        }
        options.get(self.0.random_range(0..options.len()))
    }

    /// One of `options`, each as likely as its weight says; nothing if there are none.
    pub fn weigh<'a, T>(&mut self, options: &'a [(u32, T)]) -> Option<&'a T> {
        let total: u32 = options.iter().map(|(weight, _)| weight).sum();
        let mut drawn = if total == 0 {
            return None;
        } else {
            self.0.random_range(0..total)
        };
        for (weight, option) in options {
            if drawn < *weight {
                return Some(option);
            }
            drawn -= weight;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_falls_the_same_way() {
        let draws = |seed| {
            let mut dice = Dice::new(seed);
            (0..20).map(|_| dice.between(0..=1_000)).collect::<Vec<_>>()
        };
        assert_eq!(draws(7), draws(7));
        assert_ne!(draws(7), draws(8));
    }

    #[test]
    fn an_option_without_weight_is_never_drawn() {
        let mut dice = Dice::new(1);
        let options = [(0, "never"), (3, "always")];
        assert!((0..100).all(|_| dice.weigh(&options) == Some(&"always")));
        assert_eq!(dice.weigh::<u8>(&[]), None);
    }
}
