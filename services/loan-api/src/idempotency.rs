//! `Idempotency-Key`: what makes it safe to send an application again (draft-ietf-httpapi-idempotency-key-header).

use http::{HeaderMap, HeaderName};
use service_kit::Problem;

/// The request header.
pub(crate) const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The response header of an answer to a key that was used before.
pub(crate) const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Longest key that is stored.
const MAX_LENGTH: usize = 200;

/// The key of a request: as the draft writes it, a quoted string of RFC 8941, or bare, as many clients do. Both
/// forms of the same characters are the same key.
pub(crate) fn key(headers: &HeaderMap) -> Result<String, Problem> {
    let mut values = headers.get_all(KEY).iter();
    let Some(value) = values.next() else {
        return Err(Problem::bad_request(
            "IDEMPOTENCY_KEY_MISSING",
            "send an Idempotency-Key that no other application has, such as a UUID, and send it again when you \
             send the application again",
        ));
    };
    if values.next().is_some() {
        return Err(invalid());
    }
    let text = value.to_str().map_err(|_| invalid())?.trim();
    let key = if text.starts_with('"') {
        unquoted(text).ok_or_else(invalid)?
    } else {
        text.to_owned()
    };
    let is_visible = key
        .bytes()
        .all(|byte| byte.is_ascii_graphic() || byte == b' ');
    if key.trim().is_empty() || key.len() > MAX_LENGTH || !is_visible {
        return Err(invalid());
    }
    Ok(key)
}

/// The content of a quoted string. In it, only quotes and backslashes are escaped (RFC 8941, 3.3.3).
fn unquoted(text: &str) -> Option<String> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    let mut content = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => content.push(characters.next().filter(|it| matches!(it, '"' | '\\'))?),
            '"' => return None,
            other => content.push(other),
        }
    }
    Some(content)
}

fn invalid() -> Problem {
    Problem::bad_request(
        "IDEMPOTENCY_KEY_INVALID",
        format!("Idempotency-Key must be one value of 1 to {MAX_LENGTH} visible ASCII characters"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key_of(values: &[&str]) -> Result<String, &'static str> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(KEY, value.parse().unwrap());
        }
        key(&headers).map_err(|problem| problem.code())
    }

    #[test]
    fn quoted_and_bare_forms_are_the_same_key() {
        for (written, meant) in [
            (
                "8e03978e-40d5-43dd-bc93-6894a57f9324",
                "8e03978e-40d5-43dd-bc93-6894a57f9324",
            ),
            (
                "\"8e03978e-40d5-43dd-bc93-6894a57f9324\"",
                "8e03978e-40d5-43dd-bc93-6894a57f9324",
            ),
            (r#""a\"b\\c""#, r#"a"b\c"#),
            ("a b", "a b"),
        ] {
            assert_eq!(key_of(&[written]).as_deref(), Ok(meant), "{written}");
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        assert_eq!(key_of(&[]), Err("IDEMPOTENCY_KEY_MISSING"));
        let long = "x".repeat(201);
        for written in [
            "", "\"\"", "\" \"", "\"", "\"a", "\"a\"b\"", r#""a\b""#, r#""a\""#, &long,
        ] {
            assert_eq!(
                key_of(&[written]),
                Err("IDEMPOTENCY_KEY_INVALID"),
                "{written}"
            );
        }
        assert_eq!(key_of(&["a", "b"]), Err("IDEMPOTENCY_KEY_INVALID"));
    }
}
