//! The shelf: S3, with compare-and-swap, and listings that lag.

use std::collections::BTreeMap;

use bytes::Bytes;
use engine::ports::{Document, DocumentVersion, Expected, Listed};
use jiff::Timestamp;

/// Documents by path.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    documents: BTreeMap<String, Kept>,
    versions: u64,
    /// How the folder of specs is listed until the newest write shows.
    lagging: Option<(Timestamp, Vec<Listed>)>,
}

#[derive(Clone, Debug)]
struct Kept {
    bytes: Bytes,
    version: u64,
}

impl Kept {
    fn version(&self) -> DocumentVersion {
        DocumentVersion(format!("v{}", self.version))
    }
}

impl Shelf {
    pub(crate) fn get(&self, path: &str) -> Option<Document> {
        self.documents.get(path).map(|kept| Document {
            bytes: kept.bytes.clone(),
            version: kept.version(),
        })
    }

    /// Whether a write with this expectation would happen.
    pub(crate) fn matches(&self, path: &str, expected: &Expected) -> bool {
        let found = self.documents.get(path).map(Kept::version);
        match expected {
            Expected::Absent => found.is_none(),
            Expected::Version(version) => found.as_ref() == Some(version),
        }
    }

    pub(crate) fn put(&mut self, path: &str, bytes: Bytes) -> DocumentVersion {
        self.versions += 1;
        let kept = Kept {
            bytes,
            version: self.versions,
        };
        let version = kept.version();
        self.documents.insert(path.to_owned(), kept);
        version
    }

    pub(crate) fn delete(&mut self, path: &str) {
        self.documents.remove(path);
    }

    pub(crate) fn list(&self, prefix: &str, now: Timestamp) -> Vec<Listed> {
        match &self.lagging {
            Some((until, listed)) if now < *until && prefix == "specs/" => listed.clone(),
            _ => self.listed(prefix),
        }
    }

    fn listed(&self, prefix: &str) -> Vec<Listed> {
        let range = self.documents.range(prefix.to_owned()..);
        range
            .take_while(|(path, _)| path.starts_with(prefix))
            .map(|(path, kept)| Listed {
                path: path.clone(),
                version: kept.version(),
                size: kept.bytes.len() as u64,
            })
            .collect()
    }

    /// Lets listings of specs miss what is written next, until `until`.
    pub(crate) fn lag_behind(&mut self, until: Timestamp) {
        self.lagging = Some((until, self.listed("specs/")));
    }
}
