//! How long answers take when nobody waits.

use std::time::Duration;

use rand::Rng;
use rand_distr::{Distribution, LogNormal};
use schema::platform::Latency;

/// The standard normal distribution's 99th percentile.
const Z_99: f64 = 2.326_347_874;

/// A random latency whose 50th and 99th percentiles are those of `latency`. A 99th percentile that
/// is not above the 50th makes every latency the same.
pub fn sample(latency: Latency, random: &mut impl Rng) -> Duration {
    let [p50_s, p99_s] = [latency.p50, latency.p99].map(|span| span.get().as_secs_f64());
    if p50_s <= 0.0 {
        return Duration::ZERO;
    }
    let sigma = (p99_s / p50_s).ln().max(0.0) / Z_99;
    LogNormal::new(p50_s.ln(), sigma)
        .ok()
        .and_then(|distribution| Duration::try_from_secs_f64(distribution.sample(random)).ok())
        .unwrap_or_else(|| latency.p99.get())
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;
    use schema::units::Span;

    use super::*;

    fn percentiles(p50_ms: u64, p99_ms: u64) -> (f64, f64) {
        let latency = Latency {
            p50: Span::from_millis(p50_ms),
            p99: Span::from_millis(p99_ms),
        };
        let mut random = StdRng::seed_from_u64(1);
        let mut samples: Vec<_> = (0..20_000).map(|_| sample(latency, &mut random)).collect();
        samples.sort();
        let at = |index: usize| samples[index].as_secs_f64() * 1_000.0;
        (at(10_000), at(19_800))
    }

    #[test]
    fn samples_have_the_percentiles_asked_for() {
        for (p50_ms, p99_ms) in [(60, 180), (80, 400), (1, 2)] {
            let (p50, p99) = percentiles(p50_ms, p99_ms);
            assert!(
                (p50 / p50_ms as f64 - 1.0).abs() < 0.05,
                "p50 {p50} of {p50_ms}"
            );
            assert!(
                (p99 / p99_ms as f64 - 1.0).abs() < 0.10,
                "p99 {p99} of {p99_ms}"
            );
        }
    }

    #[test]
    fn equal_percentiles_make_it_constant_and_none_makes_it_instant() {
        assert_eq!(percentiles(50, 50), (50.0, 50.0));
        assert_eq!(percentiles(0, 400), (0.0, 0.0));
    }
}
