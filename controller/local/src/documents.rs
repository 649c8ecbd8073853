//! The `Documents` port on the `object_store` crate.

use std::path::Path as FilePath;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use engine::ports::{Document, DocumentVersion, Documents, Expected, Listed, PortError};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{Error as StoreError, ObjectMeta, ObjectStore, ObjectStoreExt, PutResult};
use tokio::sync::Mutex;

/// Folder of what engineers write.
const SPECS: &str = "specs";
/// Most documents that one listing reads: far above any platform, far below memory.
const MAX_LISTED: usize = 10_000;

/// Documents in object stores: `specs/` in one, all others in another.
#[derive(Debug)]
pub struct StoreDocuments {
    specs: Arc<dyn ObjectStore>,
    state: Arc<dyn ObjectStore>,
    writing: Mutex<()>,
}

impl StoreDocuments {
    /// Documents in two directories of this machine: `specs/…` are the files of `specs_dir`.
    ///
    /// It takes no lock, so that `loanctl status` can read beside a running home; only a home may
    /// write.
    ///
    /// # Errors
    /// When a directory is not there.
    pub fn open(specs_dir: &FilePath, state_dir: &FilePath) -> Result<Self, PortError> {
        Ok(Self {
            specs: directory(specs_dir)?,
            state: directory(state_dir)?,
            writing: Mutex::new(()),
        })
    }

    /// Documents of a directory that may hold `specs/` itself: what `--store file:///…` names.
    ///
    /// # Errors
    /// When the directory is not there.
    pub fn open_store(state_dir: &FilePath) -> Result<Self, PortError> {
        let specs = state_dir.join(SPECS);
        Self::open(if specs.is_dir() { &specs } else { state_dir }, state_dir)
    }

    /// The store that keeps `path`, and the path in it.
    fn locate(&self, path: &str) -> Result<(&dyn ObjectStore, Path), PortError> {
        let (store, inner) = match path.strip_prefix(SPECS).and_then(|p| p.strip_prefix('/')) {
            Some(name) => (&self.specs, name),
            None => (&self.state, path),
        };
        let location = Path::parse(inner).map_err(|error| {
            PortError::refused(format!("use the path {path}"), error.to_string())
        })?;
        Ok((store.as_ref(), location))
    }

    /// Writes if what lies there is as expected. A local file system cannot compare by itself: one
    /// lock around reading and writing stands in, which is enough where one process writes. The state
    /// lock sees to that.
    async fn put_if(
        &self,
        path: &str,
        bytes: Bytes,
        expected: Expected,
    ) -> Result<PutResult, PortError> {
        let _writing = self.writing.lock().await;
        let (store, location) = self.locate(path)?;
        let found = match store.head(&location).await {
            Ok(meta) => Some(version_of(&meta)),
            Err(StoreError::NotFound { .. }) => None,
            Err(error) => return Err(PortError::unavailable(format!("read {path}"), error)),
        };
        let wanted = match expected {
            Expected::Absent => None,
            Expected::Version(version) => Some(version),
        };
        if found != wanted {
            return Err(PortError::Conflict {
                path: path.to_owned(),
            });
        }
        store
            .put(&location, bytes.into())
            .await
            .map_err(|error| write_error(path, error))
    }
}

#[async_trait]
impl Documents for StoreDocuments {
    async fn get(&self, path: &str) -> Result<Option<Document>, PortError> {
        let failed = |error| PortError::unavailable(format!("read {path}"), error);
        let (store, location) = self.locate(path)?;
        let result = match store.get(&location).await {
            Ok(result) => result,
            Err(StoreError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let version = version_of(&result.meta);
        let bytes = result.bytes().await.map_err(failed)?;
        Ok(Some(Document { bytes, version }))
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Listed>, PortError> {
        let prefix = prefix.trim_end_matches('/');
        let specs = prefix == SPECS;
        let (store, location) = if specs {
            (self.specs.as_ref(), None)
        } else {
            let (store, location) = self.locate(prefix)?;
            (store, Some(location))
        };
        let found = store
            .list_with_delimiter(location.as_ref())
            .await
            .map_err(|error| PortError::unavailable(format!("list {prefix}"), error))?;
        let mut listed: Vec<Listed> = found
            .objects
            .into_iter()
            .take(MAX_LISTED)
            .filter_map(|meta| listed(prefix, specs, &meta))
            .collect();
        listed.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(listed)
    }

    async fn put(
        &self,
        path: &str,
        bytes: Bytes,
        expected: Expected,
    ) -> Result<DocumentVersion, PortError> {
        let written = self.put_if(path, bytes, expected).await?;
        written.e_tag.map(DocumentVersion).ok_or_else(|| {
            PortError::unavailable(format!("write {path}"), "the store gave no version back")
        })
    }

    async fn delete(&self, path: &str) -> Result<(), PortError> {
        let (store, location) = self.locate(path)?;
        match store.delete(&location).await {
            Ok(()) | Err(StoreError::NotFound { .. }) => Ok(()),
            Err(error) => Err(PortError::unavailable(format!("remove {path}"), error)),
        }
    }
}

fn directory(path: &FilePath) -> Result<Arc<dyn ObjectStore>, PortError> {
    LocalFileSystem::new_with_prefix(path)
        .map(|store| Arc::new(store) as Arc<dyn ObjectStore>)
        .map_err(|error| PortError::unavailable(format!("open {}", path.display()), error))
}

fn listed(prefix: &str, specs: bool, meta: &ObjectMeta) -> Option<Listed> {
    let name = meta.location.filename()?;
    let wanted = if specs {
        validation::is_spec_file(name)
    } else {
        is_kept(name)
    };
    wanted.then(|| Listed {
        path: format!("{prefix}/{name}"),
        version: version_of(meta),
        size: meta.size,
    })
}

/// Whether a file is a document, and not what a write or an editor leaves under way.
fn is_kept(name: &str) -> bool {
    !(name.starts_with('.') || name.ends_with('~') || name.ends_with(".swp"))
}

/// Every store used here gives ETags; without one the time and size must do.
fn version_of(meta: &ObjectMeta) -> DocumentVersion {
    let stand_in = || format!("{}-{}", meta.last_modified, meta.size);
    DocumentVersion(meta.e_tag.clone().unwrap_or_else(stand_in))
}

fn write_error(path: &str, error: StoreError) -> PortError {
    match error {
        StoreError::Precondition { .. } | StoreError::AlreadyExists { .. } => PortError::Conflict {
            path: path.to_owned(),
        },
        error => PortError::unavailable(format!("write {path}"), error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folders {
        specs: tempfile::TempDir,
        _state: tempfile::TempDir,
        documents: StoreDocuments,
    }

    fn folders() -> Folders {
        let specs = tempfile::tempdir().expect("specs");
        let state = tempfile::tempdir().expect("state");
        let documents = StoreDocuments::open(specs.path(), state.path()).expect("opened");
        Folders {
            specs,
            _state: state,
            documents,
        }
    }

    #[tokio::test]
    async fn a_rewrite_of_equal_length_in_the_same_instant_is_another_version() {
        let Folders { documents, .. } = &folders();
        let mut version = documents
            .put("a/b", "0".into(), Expected::Absent)
            .await
            .expect("made");
        for _ in 0..50 {
            let next = documents
                .put("a/b", "0".into(), Expected::Version(version.clone()))
                .await
                .expect("written");
            assert_ne!(next, version);
            version = next;
        }
    }

    #[tokio::test]
    async fn listing_specs_leaves_out_folders_and_what_editors_leave() {
        let Folders {
            specs, documents, ..
        } = &folders();
        std::fs::create_dir(specs.path().join("old")).expect("folder");
        let names = [
            "b.yml",
            "a.yaml",
            ".a.yaml",
            "a.yaml~",
            ".a.yaml.swp",
            "README.md",
            "old/c.yaml",
        ];
        for name in names {
            std::fs::write(specs.path().join(name), "x").expect("written");
        }
        let paths: Vec<String> = documents
            .list("specs/")
            .await
            .expect("listed")
            .into_iter()
            .map(|listed| listed.path)
            .collect();
        assert_eq!(paths, ["specs/a.yaml", "specs/b.yml"]);
    }
}
