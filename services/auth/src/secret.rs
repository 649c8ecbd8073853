//! What nobody may read: given in a file, or as the value itself, as ECS injects secrets.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// A secret as it was given. It shows where it comes from, never what it is.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    variable: &'static str,
    given: Given,
}

#[derive(Clone, PartialEq, Eq)]
enum Given {
    File(PathBuf),
    Value(String),
}

/// Why there is no secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Neither file nor value.
    #[error("set {0}_FILE to a file, or {0} to its content")]
    Absent(&'static str),
    /// Both, and nobody knows which is meant.
    #[error("{0}_FILE and {0} are both set: remove one")]
    Twice(&'static str),
    /// The file cannot be read.
    #[error("{variable}_FILE: {} cannot be read: {source}", path.display())]
    Read {
        /// Name of the variable that holds the value itself.
        variable: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl Secret {
    /// The secret in `file` (which the variable `VARIABLE_FILE` names) or the `value` (which the variable itself has).
    ///
    /// # Errors
    /// When both are given, or none.
    pub fn one_of(
        variable: &'static str,
        file: Option<PathBuf>,
        value: Option<String>,
    ) -> Result<Self, SecretError> {
        let given = match (file, value) {
            (Some(file), None) => Given::File(file),
            (None, Some(value)) => Given::Value(value),
            (None, None) => return Err(SecretError::Absent(variable)),
            (Some(_), Some(_)) => return Err(SecretError::Twice(variable)),
        };
        Ok(Self { variable, given })
    }

    /// Its content.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(&self) -> Result<Vec<u8>, SecretError> {
        match &self.given {
            Given::Value(value) => Ok(value.clone().into_bytes()),
            Given::File(path) => std::fs::read(path).map_err(|source| SecretError::Read {
                variable: self.variable,
                path: path.clone(),
                source,
            }),
        }
    }
}

/// Where it comes from.
impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.given {
            Given::File(path) => path.display().fmt(f),
            Given::Value(_) => f.write_str(self.variable),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "LOAN_CLIENTS";

    #[test]
    fn a_secret_is_read_from_the_one_place_that_is_given() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("clients.json");
        std::fs::write(&file, "from a file").unwrap();
        for (file, value, content) in [
            (Some(file), None, "from a file"),
            (None, Some("from a variable".to_owned()), "from a variable"),
        ] {
            let secret = Secret::one_of(NAME, file, value).unwrap();
            assert_eq!(secret.read().unwrap(), content.as_bytes());
        }
    }

    #[test]
    fn none_both_and_an_unreadable_file_name_the_variables() {
        let file = || Some(PathBuf::from("/nowhere/clients.json"));
        let value = || Some("[]".to_owned());
        for (file, value, error) in [
            (
                None,
                None,
                "set LOAN_CLIENTS_FILE to a file, or LOAN_CLIENTS to its content",
            ),
            (
                file(),
                value(),
                "LOAN_CLIENTS_FILE and LOAN_CLIENTS are both set: remove one",
            ),
            (
                file(),
                None,
                "LOAN_CLIENTS_FILE: /nowhere/clients.json cannot be read: No such file or directory (os error 2)",
            ),
        ] {
            let read = Secret::one_of(NAME, file, value).and_then(|secret| secret.read());
            assert_eq!(read.unwrap_err().to_string(), error);
        }
    }

    #[test]
    fn a_secret_never_shows_what_it_is() {
        let secret = Secret::one_of(NAME, None, Some("argon2".to_owned())).unwrap();
        assert_eq!(
            format!("{secret} {secret:?}"),
            "LOAN_CLIENTS Secret(LOAN_CLIENTS)"
        );
    }
}
