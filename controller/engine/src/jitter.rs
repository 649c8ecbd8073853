//! Stable jitter: spreads what would otherwise happen at once, and is the same in every run.

use std::hash::{DefaultHasher, Hash, Hasher};

/// A share from 0 to 1 that depends on `of` alone, and differs between things that differ.
pub(crate) fn share(of: &impl Hash) -> f64 {
    // Without keys of its own this hasher gives the same in every process.
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    let [first, second, ..] = hasher.finish().to_le_bytes();
    f64::from(u16::from_le_bytes([first, second])) / f64::from(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_spread_over_the_whole_range_and_stay_the_same() {
        let shares: Vec<f64> = (0..1_000_u32).map(|of| share(&of)).collect();
        for tenth in 0..10_u32 {
            let (from, to) = (f64::from(tenth) / 10.0, f64::from(tenth + 1) / 10.0);
            let within = shares
                .iter()
                .filter(|share| (from..to).contains(*share))
                .count();
            assert!(
                (50..200).contains(&within),
                "{within} of 1000 from {from} to {to}"
            );
        }
        assert!((share(&"local") - share(&"local")).abs() < f64::EPSILON);
    }
}
