//! Whether a settings document may replace the one in force.

use schema::names::{PlatformName, ServiceName};
use schema::settings::SettingsDocument;
use serde::de::DeserializeOwned;

/// Why a document is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// It cannot be read, or a value is outside its range.
    #[error("{field}: {reason}")]
    Invalid {
        /// Path of the field at fault; `.` is the whole document.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
    /// It is another platform's or another service's.
    #[error("these are the settings of {service} in {platform}")]
    NotOurs {
        /// Platform it names.
        platform: PlatformName,
        /// Service it names.
        service: ServiceName,
    },
    /// It is older than the one in force: its writer lost its lease.
    #[error(
        "epoch {} sequence {} is below epoch {} sequence {}, which is in force",
        found.0, found.1, in_force.0, in_force.1
    )]
    Older {
        /// Its epoch and sequence.
        found: (u64, u64),
        /// Epoch and sequence in force.
        in_force: (u64, u64),
    },
}

/// The document in `content`, when it is ours, valid, and not below `in_force`.
///
/// # Errors
/// Why it is refused.
pub(super) fn judge<S: DeserializeOwned>(
    content: &[u8],
    platform: &PlatformName,
    service: ServiceName,
    in_force: Option<(u64, u64)>,
) -> Result<SettingsDocument<S>, Rejection> {
    let document: SettingsDocument<S> = parse(content)?;
    if document.platform != *platform || document.service != service {
        return Err(Rejection::NotOurs {
            platform: document.platform,
            service: document.service,
        });
    }
    match in_force {
        Some(in_force) if document.order() < in_force => Err(Rejection::Older {
            found: document.order(),
            in_force,
        }),
        _ => Ok(document),
    }
}

/// What `content` says, as a `T`.
///
/// # Errors
/// [`Rejection::Invalid`] with the field at fault.
pub(crate) fn parse<T: DeserializeOwned>(content: &[u8]) -> Result<T, Rejection> {
    let mut deserializer = serde_json::Deserializer::from_slice(content);
    let document = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        Rejection::Invalid {
            field: error.path().to_string(),
            reason: error.into_inner().to_string(),
        }
    })?;
    deserializer.end().map_err(|error| Rejection::Invalid {
        field: ".".to_owned(),
        reason: error.to_string(),
    })?;
    Ok(document)
}

#[cfg(test)]
mod tests {
    use schema::settings::AuthSettings;
    use serde_json::{Value, json};

    use super::*;

    fn document() -> Value {
        json!({
            "platform": "local", "service": "auth", "epoch": 2, "sequence": 5,
            "revision": "abc", "scoringRevision": "def",
            "settings": {"tokenLifetime": "1h"},
        })
    }

    fn judged(document: &Value, in_force: Option<(u64, u64)>) -> Result<(u64, u64), Rejection> {
        let platform = "local".try_into().unwrap();
        let content = document.to_string();
        judge::<AuthSettings>(content.as_bytes(), &platform, ServiceName::Auth, in_force)
            .map(|document| document.order())
    }

    #[test]
    fn a_later_sequence_or_a_later_epoch_is_taken() {
        for in_force in [None, Some((2, 5)), Some((2, 4)), Some((1, 900))] {
            assert_eq!(judged(&document(), in_force), Ok((2, 5)), "{in_force:?}");
        }
    }

    #[test]
    fn a_lower_sequence_or_epoch_is_refused() {
        for in_force in [(2, 6), (3, 0)] {
            let found = (2, 5);
            assert_eq!(
                judged(&document(), Some(in_force)),
                Err(Rejection::Older { found, in_force })
            );
        }
    }

    #[test]
    fn a_value_outside_its_range_is_refused_by_field() {
        let mut wrong = document();
        wrong["settings"]["tokenLifetime"] = json!("1s");
        let Err(Rejection::Invalid { field, reason }) = judged(&wrong, None) else {
            panic!("taken");
        };
        assert_eq!(field, "settings.tokenLifetime");
        assert!(reason.contains("outside"), "{reason}");
    }

    #[test]
    fn the_settings_of_another_service_or_platform_are_refused() {
        for (field, value) in [("service", "scoring"), ("platform", "dev")] {
            let mut foreign = document();
            foreign[field] = json!(value);
            assert!(matches!(
                judged(&foreign, None),
                Err(Rejection::NotOurs { .. })
            ));
        }
    }
}
