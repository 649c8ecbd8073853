//! Settings are remembered: whoever is the only one to write them need not read them at every look.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use engine::lease::LEASE_PATH;
use engine::ports::{Document, DocumentVersion, Documents, Expected, Listed, PortError};
use tokio::time::Instant;

/// Where what is remembered lies. Only the controller writes there.
const SETTINGS: &str = "settings/";
/// How long a document is remembered at most; each a little shorter, so that they are not read again together.
/// Somebody may have changed one by hand.
const REREAD: Duration = Duration::from_secs(3_600);
/// Share of [`REREAD`] over which the documents are spread.
const SPREAD: f64 = 0.25;
/// Documents remembered; at one more all are forgotten.
const MOST: usize = 100_000;

/// Documents, of which those under `settings/` are read once.
///
/// # Guarantees
/// - Nothing from before a term is served in it: reading the lease forgets everything, and nothing is remembered
///   until the lease is written. A standby reads it, its holder only writes it.
/// - A write whose condition does not hold is refused as ever, and what was remembered of it is forgotten: one
///   that is out of date harms nothing.
#[derive(Debug)]
pub(crate) struct Remembering {
    documents: Arc<dyn Documents>,
    memory: Mutex<Memory>,
}

#[derive(Debug, Default)]
struct Memory {
    term: Term,
    kept: BTreeMap<String, Kept>,
}

/// Counts how often everything was forgotten, and says whether the lease was written since.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Term {
    number: u64,
    has_begun: bool,
}

#[derive(Clone, Debug)]
struct Kept {
    document: Document,
    until: Instant,
}

impl Memory {
    fn forget_all(&mut self) {
        self.kept.clear();
        self.term = Term {
            number: self.term.number + 1,
            has_begun: false,
        };
    }

    fn known(&self, path: &str, now: Instant) -> Option<Document> {
        let kept = self.kept.get(path).filter(|kept| now < kept.until);
        kept.map(|kept| kept.document.clone())
    }

    /// Remembers what was read or written in `term`, unless that is over.
    fn keep(&mut self, term: Term, path: &str, document: Document) {
        if term != self.term || !term.has_begun {
            return;
        }
        if self.kept.len() >= MOST {
            self.kept.clear();
        }
        let until = Instant::now() + time_for(path);
        self.kept.insert(path.to_owned(), Kept { document, until });
    }
}

impl Remembering {
    pub(crate) fn new(documents: Arc<dyn Documents>) -> Self {
        Self {
            documents,
            memory: Mutex::default(),
        }
    }

    /// A write that overtook the read knows better.
    fn read(&self, term: Term, path: &str, document: &Document) {
        let mut memory = self.lock();
        if memory.known(path, Instant::now()).is_none() {
            memory.keep(term, path, document.clone());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Documents for Remembering {
    async fn get(&self, path: &str) -> Result<Option<Document>, PortError> {
        if path == LEASE_PATH {
            self.lock().forget_all();
        }
        if !path.starts_with(SETTINGS) {
            return self.documents.get(path).await;
        }
        let term = {
            let memory = self.lock();
            if let Some(known) = memory.known(path, Instant::now()) {
                return Ok(Some(known));
            }
            memory.term
        };
        let found = self.documents.get(path).await?;
        if let Some(document) = &found {
            self.read(term, path, document);
        }
        Ok(found)
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Listed>, PortError> {
        self.documents.list(prefix).await
    }

    async fn put(
        &self,
        path: &str,
        bytes: Bytes,
        expected: Expected,
    ) -> Result<DocumentVersion, PortError> {
        let term = self.lock().term;
        let written = self.documents.put(path, bytes.clone(), expected).await;
        let mut memory = self.lock();
        if path == LEASE_PATH {
            memory.term.has_begun |= written.is_ok();
        } else if path.starts_with(SETTINGS) {
            // Whatever became of a write that failed is found out by reading.
            memory.kept.remove(path);
            if let Ok(version) = &written {
                let version = version.clone();
                memory.keep(term, path, Document { bytes, version });
            }
        }
        written
    }

    async fn delete(&self, path: &str) -> Result<(), PortError> {
        let deleted = self.documents.delete(path).await;
        self.lock().kept.remove(path);
        deleted
    }
}

/// How long the document at `path` is remembered.
fn time_for(path: &str) -> Duration {
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    let [first, second, ..] = hasher.finish().to_le_bytes();
    let share = f64::from(u16::from_le_bytes([first, second])) / f64::from(u16::MAX);
    REREAD.mul_f64(1.0 - SPREAD * share)
}

#[cfg(test)]
mod tests {
    use object_store::memory::InMemory;

    use super::*;
    use crate::documents::S3Documents;

    const PATH: &str = "settings/dev/scoring.json";

    /// Documents in memory, and the paths that were read.
    #[derive(Debug)]
    struct Counted {
        documents: S3Documents,
        read: Mutex<Vec<String>>,
    }

    #[async_trait]
    impl Documents for Counted {
        async fn get(&self, path: &str) -> Result<Option<Document>, PortError> {
            self.read.lock().unwrap().push(path.to_owned());
            self.documents.get(path).await
        }

        async fn list(&self, prefix: &str) -> Result<Vec<Listed>, PortError> {
            self.documents.list(prefix).await
        }

        async fn put(
            &self,
            path: &str,
            bytes: Bytes,
            expected: Expected,
        ) -> Result<DocumentVersion, PortError> {
            self.documents.put(path, bytes, expected).await
        }

        async fn delete(&self, path: &str) -> Result<(), PortError> {
            self.documents.delete(path).await
        }
    }

    /// What remembers, its lease taken, and what it stands on.
    async fn begun() -> (Remembering, Arc<Counted>) {
        let counted = Arc::new(Counted {
            documents: S3Documents::on(Arc::new(InMemory::new()), "loans"),
            read: Mutex::default(),
        });
        let remembering = Remembering::new(Arc::clone(&counted) as Arc<dyn Documents>);
        remembering
            .put(LEASE_PATH, "lease".into(), Expected::Absent)
            .await
            .unwrap();
        (remembering, counted)
    }

    async fn text(documents: &impl Documents, path: &str) -> String {
        let found = documents.get(path).await.unwrap().unwrap();
        String::from_utf8(found.bytes.to_vec()).unwrap()
    }

    fn reads(counted: &Counted) -> usize {
        counted.read.lock().unwrap().len()
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_written_or_read_is_not_read_again_within_the_hour() {
        let (remembering, counted) = begun().await;
        let put = remembering.put(PATH, "1".into(), Expected::Absent).await;
        put.unwrap();
        assert_eq!(text(&remembering, PATH).await, "1");
        assert_eq!(reads(&counted), 0);

        tokio::time::advance(REREAD).await;
        for _ in 0..3 {
            assert_eq!(text(&remembering, PATH).await, "1");
        }
        assert_eq!(reads(&counted), 1);
    }

    #[tokio::test]
    async fn the_version_that_is_remembered_is_the_one_to_write_on() {
        let (remembering, _) = begun().await;
        let put = remembering.put(PATH, "1".into(), Expected::Absent).await;
        put.unwrap();
        let found = remembering.get(PATH).await.unwrap().unwrap();
        let expected = Expected::Version(found.version);
        remembering.put(PATH, "2".into(), expected).await.unwrap();
        assert_eq!(text(&remembering, PATH).await, "2");
    }

    #[tokio::test]
    async fn a_conflict_has_it_read_again() {
        let (remembering, counted) = begun().await;
        let put = remembering.put(PATH, "1".into(), Expected::Absent).await;
        let version = put.unwrap();
        let by_hand =
            counted
                .documents
                .put(PATH, "by hand".into(), Expected::Version(version.clone()));
        by_hand.await.unwrap();
        let expected = Expected::Version(version);
        let refused = remembering.put(PATH, "2".into(), expected).await;
        assert!(matches!(refused, Err(PortError::Conflict { .. })));
        assert_eq!(text(&remembering, PATH).await, "by hand");
    }

    #[tokio::test]
    async fn what_is_removed_is_forgotten() {
        let (remembering, _) = begun().await;
        let put = remembering.put(PATH, "1".into(), Expected::Absent).await;
        put.unwrap();
        remembering.delete(PATH).await.unwrap();
        assert!(remembering.get(PATH).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn whoever_reads_the_lease_remembers_nothing_until_it_is_theirs() {
        let (remembering, counted) = begun().await;
        let put = remembering.put(PATH, "1".into(), Expected::Absent).await;
        put.unwrap();
        let lease = remembering.get(LEASE_PATH).await.unwrap().unwrap();
        for reads_so_far in [2, 3] {
            assert_eq!(text(&remembering, PATH).await, "1");
            assert_eq!(reads(&counted), reads_so_far);
        }
        let expected = Expected::Version(lease.version);
        let taken = remembering.put(LEASE_PATH, "ours".into(), expected).await;
        taken.unwrap();
        for _ in 0..2 {
            assert_eq!(text(&remembering, PATH).await, "1");
            assert_eq!(reads(&counted), 4);
        }
    }

    #[tokio::test]
    async fn everything_else_is_read_each_time() {
        let (remembering, counted) = begun().await;
        let put = remembering.put("state/dev.json", "1".into(), Expected::Absent);
        put.await.unwrap();
        for reads_so_far in [1, 2] {
            assert_eq!(text(&remembering, "state/dev.json").await, "1");
            assert_eq!(reads(&counted), reads_so_far);
        }
    }

    #[test]
    fn documents_are_not_forgotten_together() {
        let times = (0..100).map(|it| time_for(&format!("settings/p{it}/scoring.json")));
        let times: std::collections::BTreeSet<Duration> = times.collect();
        assert!(times.len() > 90);
        assert!(
            times
                .iter()
                .all(|time| *time <= REREAD && *time >= REREAD.mul_f64(0.75))
        );
    }
}
