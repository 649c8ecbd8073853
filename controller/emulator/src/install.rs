//! Where the emulators are installed.

use std::env;
use std::path::{Path, PathBuf};

use crate::error::EmulatorError;

/// A virtual environment of Python with both emulators in it.
#[derive(Clone, Debug)]
pub(crate) struct Install {
    folder: PathBuf,
}

impl Install {
    /// Finds it: in `LOAN_EMULATORS`, else where `.ci/need test` puts it, in the build folder.
    pub(crate) fn find() -> Result<Self, EmulatorError> {
        Self::at(named("LOAN_EMULATORS").unwrap_or_else(|| build_folder().join("emulators")))
    }

    fn at(folder: PathBuf) -> Result<Self, EmulatorError> {
        let install = Self { folder };
        if install.python().exists() {
            Ok(install)
        } else {
            let folder = install.folder;
            Err(EmulatorError::NotInstalled { folder })
        }
    }

    pub(crate) fn python(&self) -> PathBuf {
        self.folder.join("bin/python3")
    }
}

/// The stand-in for Python's `docker` module, to put on Python's path.
pub(crate) fn stand_ins() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("python")
}

fn build_folder() -> PathBuf {
    named("CARGO_TARGET_DIR").unwrap_or_else(|| workspace().join("target"))
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn named(variable: &str) -> Option<PathBuf> {
    let value = env::var_os(variable).filter(|value| !value.is_empty())?;
    // Cargo takes a relative one from where it was called, which is the workspace's root.
    Some(workspace().join(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_not_installed_them_is_told_how() {
        let error = Install::at("/nowhere".into()).unwrap_err().to_string();
        assert!(error.contains("/nowhere: run `.ci/need test`"), "{error}");
    }
}
