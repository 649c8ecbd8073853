//! The score of an applicant: always the same for the same one.

use sha2::{Digest, Sha256};

/// Lowest score given.
pub const LOWEST: u32 = 450;
/// Highest score given.
pub const HIGHEST: u32 = 850;
/// Score that most applicants reach.
const USUAL: u32 = 620;
/// Applicants in a hundred who do not.
const PERCENT_BELOW_USUAL: u32 = 15;

/// The score of `user_id`, [`LOWEST`] to [`HIGHEST`]. It depends on nothing but the id, on every
/// machine and in every version: a retry cannot change a decision.
#[must_use]
pub fn of(user_id: &str) -> u32 {
    let digest = Sha256::digest(user_id.as_bytes());
    let word = |at: usize| {
        u32::from_be_bytes([digest[at], digest[at + 1], digest[at + 2], digest[at + 3]])
    };
    let range = if word(0) % 100 < PERCENT_BELOW_USUAL {
        LOWEST..USUAL
    } else {
        USUAL..HIGHEST + 1
    };
    range.start + word(4) % (range.end - range.start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_applicant_always_gets_the_same_score() {
        assert_eq!(of("user-1"), of("user-1"));
        assert_eq!(["user-1", "user-2", ""].map(of), [763, 575, 562]);
    }

    #[test]
    fn most_applicants_reach_the_usual_score() {
        let scores: Vec<_> = (0..10_000).map(|n| of(&format!("user-{n}"))).collect();
        assert!(
            scores
                .iter()
                .all(|score| (LOWEST..=HIGHEST).contains(score))
        );
        let usual = scores.iter().filter(|score| **score >= USUAL).count();
        assert!((8_300..8_700).contains(&usual), "{usual} of 10000");
    }
}
