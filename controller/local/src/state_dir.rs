//! Where things lie in the state directory, and how small records are kept there.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use schema::names::{PlatformName, ServiceName};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Paths inside one state directory.
#[derive(Clone, Debug)]
pub(crate) struct StateDir {
    root: PathBuf,
}

/// A record that cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The file system refused.
    #[error("cannot {action} {path}: {source}")]
    File {
        /// `read` or `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The content is not what this program writes.
    #[error("{path} cannot be understood: {source}; remove it to start afresh")]
    Content {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
}

impl StateDir {
    /// Makes the directory and its folders where they are missing.
    pub(crate) fn prepare(root: &Path) -> io::Result<Self> {
        fs::create_dir_all(root)?;
        let dir = Self {
            root: root.canonicalize()?,
        };
        for folder in [dir.local(), dir.logs(), dir.root.join("settings")] {
            fs::create_dir_all(folder)?;
        }
        let secrets = dir.secrets();
        if !secrets.exists() {
            fs::DirBuilder::new().create(&secrets)?;
            fs::set_permissions(
                &secrets,
                std::os::unix::fs::PermissionsExt::from_mode(0o700),
            )?;
        }
        Ok(dir)
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Records of this home itself.
    pub(crate) fn local(&self) -> PathBuf {
        self.root.join("local")
    }

    pub(crate) fn secrets(&self) -> PathBuf {
        self.local().join("secrets")
    }

    pub(crate) fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    /// Log of one task.
    pub(crate) fn task_log(
        &self,
        platform: &PlatformName,
        service: ServiceName,
        task: &str,
    ) -> PathBuf {
        self.logs()
            .join(platform.as_str())
            .join(format!("{service}-{task}.log"))
    }

    /// Settings object of one service.
    pub(crate) fn settings(&self, platform: &PlatformName, service: ServiceName) -> PathBuf {
        self.root
            .join("settings")
            .join(platform.as_str())
            .join(format!("{service}.json"))
    }
}

/// Reads a JSON record, or nothing where there is none.
pub(crate) fn read_record<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, RecordError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(file_error("read", path, source)),
    };
    serde_json::from_slice(&bytes)
        .map(Some)
        .map_err(|source| RecordError::Content {
            path: path.to_owned(),
            source,
        })
}

/// Writes a JSON record whole: a reader sees the old one or the new one.
pub(crate) fn write_record<T: Serialize>(path: &Path, record: &T) -> Result<(), RecordError> {
    let bytes = serde_json::to_vec_pretty(record).map_err(|source| RecordError::Content {
        path: path.to_owned(),
        source,
    })?;
    replace(path, &bytes, 0o644).map_err(|source| file_error("write", path, source))
}

/// Replaces a file by way of a temporary one beside it.
pub(crate) fn replace(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let temporary = path.with_extension("new");
    let mut file = create(&temporary, mode)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, path)
}

fn create(path: &Path, mode: u32) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .open(path)
}

fn file_error(action: &'static str, path: &Path, source: io::Error) -> RecordError {
    RecordError::File {
        action,
        path: path.to_owned(),
        source,
    }
}
