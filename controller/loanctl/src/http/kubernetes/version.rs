//! Resource versions: those of the board, in decimal.
//!
//! They are in the order of what they number, and a controller's are all greater than those of every controller before
//! it. No client may rely on that; it is how a version of another controller is told from one that is remembered.

use super::status::Failure;
use crate::http::asked::Asked;

/// The version that a request names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// None, or zero: whatever is newest.
    Newest,
    /// This one.
    At(u64),
}

/// How the version of an answer must be to the one named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Match {
    /// At least as new. So it is when nothing is said, too.
    NotOlderThan,
    /// The same.
    Exact,
}

impl Version {
    /// The version that `asked` names.
    ///
    /// # Errors
    /// When it is no number.
    pub(super) fn of(asked: &Asked) -> Result<Self, Failure> {
        match asked.parameter("resourceVersion").as_deref() {
            None | Some("" | "0") => Ok(Self::Newest),
            Some(text) => text.parse().map(Self::At).map_err(|_| {
                Failure::bad_request(format!(
                    "invalid resource version \"{text}\": it is no number"
                ))
            }),
        }
    }
}

/// Whether a list at version `newest` is one that `asked` may get.
///
/// # Errors
/// When only another version would do.
pub(super) fn permits_list(asked: &Asked, newest: u64) -> Result<(), Failure> {
    if asked
        .parameter("continue")
        .is_some_and(|token| !token.is_empty())
    {
        return Err(Failure::expired(
            "lists come whole here: there is none to go on with",
        ));
    }
    let matched = match_of(asked)?;
    match (Version::of(asked)?, matched) {
        (Version::Newest, Some(Match::Exact)) => Err(Failure::invalid(
            "resourceVersionMatch=Exact needs a resourceVersion other than 0",
        )),
        (Version::At(version), _) if version > newest => Err(Failure::too_new(version, newest)),
        (Version::At(version), Some(Match::Exact)) if version < newest => Err(Failure::expired(
            format!("version {version} is gone: the newest one is {newest}"),
        )),
        _ => Ok(()),
    }
}

/// How the version must match, where a request says it.
///
/// # Errors
/// When it is a way that there is not.
pub(super) fn match_of(asked: &Asked) -> Result<Option<Match>, Failure> {
    match asked.parameter("resourceVersionMatch").as_deref() {
        None | Some("") => Ok(None),
        Some("NotOlderThan") => Ok(Some(Match::NotOlderThan)),
        Some("Exact") => Ok(Some(Match::Exact)),
        Some(other) => Err(Failure::invalid(format!(
            "resourceVersionMatch: Unsupported value: \"{other}\": supported values: \"Exact\", \"NotOlderThan\""
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEWEST: u64 = 100;

    /// How a list with these parameters is refused.
    fn refusal(query: &str) -> Option<(i32, String)> {
        let refused = permits_list(&Asked::get(&format!("/?{query}")), NEWEST).err()?;
        let status = refused.status();
        Some((status.code.unwrap(), status.reason.unwrap()))
    }

    #[test]
    fn a_list_is_as_new_as_it_is_asked_to_be_or_newer() {
        for query in [
            "",
            "limit=500",
            "resourceVersion=",
            "resourceVersion=0",
            "resourceVersion=5",
            "resourceVersion=100",
            "resourceVersion=5&resourceVersionMatch=NotOlderThan",
            "resourceVersion=100&resourceVersionMatch=Exact",
        ] {
            assert_eq!(refusal(query), None, "{query}");
        }
    }

    #[test]
    fn other_versions_than_the_newest_are_not_to_be_had() {
        for (query, code, reason) in [
            (
                "resourceVersion=5&resourceVersionMatch=Exact",
                410,
                "Expired",
            ),
            ("continue=abc", 410, "Expired"),
            ("resourceVersion=101", 504, "Timeout"),
            ("resourceVersion=new", 400, "BadRequest"),
            ("resourceVersionMatch=Exact", 422, "Invalid"),
            (
                "resourceVersion=5&resourceVersionMatch=Newer",
                422,
                "Invalid",
            ),
        ] {
            assert_eq!(refusal(query), Some((code, reason.to_owned())), "{query}");
        }
    }
}
