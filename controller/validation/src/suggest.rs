//! Guesses which known name a misspelt one was meant to be.

use strsim::osa_distance;

/// Longest name that is compared: comparing takes time in the product of both lengths.
const MAX_COMPARED: usize = 64;

/// The known name nearest to `written`, if one is near.
pub(crate) fn nearest<'a>(written: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    if written.is_empty() || written.len() > MAX_COMPARED {
        return None;
    }
    let plain = folded(written);
    let tolerated = (plain.len() / 3).max(1);
    known
        .map(|name| (osa_distance(&plain, &folded(name)), name))
        .filter(|(distance, _)| *distance <= tolerated)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// `max_attempts`, `max-attempts` and `maxAttempts` are spellings of one name.
fn folded(name: &str) -> String {
    name.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_finds_its_neighbour_and_a_strange_one_finds_none() {
        let known = ["maxAttempts", "maxBackoff", "budget"];
        for (written, found) in [
            ("maxAttemps", Some("maxAttempts")),
            ("max_attempts", Some("maxAttempts")),
            ("MaxBackOff", Some("maxBackoff")),
            ("budgte", Some("budget")),
            ("timeout", None),
            ("", None),
            ("é", None),
        ] {
            assert_eq!(nearest(written, known.into_iter()), found, "{written}");
        }
    }
}
