use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::time::{Instant, sleep};

use super::{LEASE_PATH, Lease, LeaseTerms, Shared, Standby};
use crate::ports::{Document, DocumentVersion, Documents, Expected, Listed, PortError};

const TTL: Duration = Duration::from_secs(30);
const CALL: Duration = Duration::from_secs(5);

/// Documents in memory, which can be cut off and can lose an answer.
#[derive(Debug, Default)]
struct Memory {
    documents: Mutex<BTreeMap<String, (Bytes, u64)>>,
    writes: AtomicU64,
    cut_off: AtomicBool,
    loses_the_next_answer: AtomicBool,
}

#[async_trait]
impl Documents for Memory {
    async fn get(&self, path: &str) -> Result<Option<Document>, PortError> {
        let documents = self.documents.lock().unwrap();
        Ok(documents.get(path).map(|(bytes, version)| Document {
            bytes: bytes.clone(),
            version: DocumentVersion(version.to_string()),
        }))
    }

    async fn list(&self, _: &str) -> Result<Vec<Listed>, PortError> {
        Ok(Vec::new())
    }

    async fn put(
        &self,
        path: &str,
        bytes: Bytes,
        expected: Expected,
    ) -> Result<DocumentVersion, PortError> {
        if self.cut_off.load(Ordering::Relaxed) {
            return Err(PortError::unavailable("write", "no route to host"));
        }
        let mut documents = self.documents.lock().unwrap();
        let found = documents.get(path).map(|(_, version)| version.to_string());
        let wanted = match expected {
            Expected::Absent => None,
            Expected::Version(DocumentVersion(version)) => Some(version),
        };
        if found != wanted {
            let path = path.to_owned();
            return Err(PortError::Conflict { path });
        }
        let version = self.writes.fetch_add(1, Ordering::Relaxed);
        documents.insert(path.to_owned(), (bytes, version));
        if self.loses_the_next_answer.swap(false, Ordering::Relaxed) {
            return Err(PortError::unavailable("write", "connection reset"));
        }
        Ok(DocumentVersion(version.to_string()))
    }

    async fn delete(&self, path: &str) -> Result<(), PortError> {
        self.documents.lock().unwrap().remove(path);
        Ok(())
    }
}

fn terms(holder: &str) -> LeaseTerms {
    LeaseTerms::Shared(Shared {
        holder: holder.to_owned(),
        ttl: TTL,
        call_timeout: CALL,
    })
}

async fn takes(documents: &Arc<Memory>, terms: LeaseTerms, highest_seen: u64) -> Lease {
    let documents = Arc::clone(documents) as Arc<dyn Documents>;
    let mut standby = Standby::new(terms);
    let vacancy = standby.vacancy(documents.as_ref()).await.unwrap();
    let taken = standby.take(vacancy, documents, highest_seen).await;
    taken.unwrap()
}

async fn calls(lease: &Lease) -> Result<(), PortError> {
    lease.fence("change it", async { Ok(()) }).await
}

#[tokio::test(start_paused = true)]
async fn invariant_13_a_standby_waits_for_the_end_of_the_lease_and_of_the_last_call_in_it() {
    let documents = Arc::new(Memory::default());
    let first = takes(&documents, terms("first"), 0).await;
    let began = Instant::now();
    let second = takes(&documents, terms("second"), 0).await;
    assert!(began.elapsed() >= TTL + CALL, "{:?}", began.elapsed());
    assert!(
        began.elapsed() <= TTL + CALL + TTL / 2,
        "{:?}",
        began.elapsed()
    );
    assert!(second.epoch() > first.epoch());
    assert!(matches!(calls(&first).await, Err(PortError::LeaseLost)));
    assert!(calls(&second).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn invariant_13_no_call_starts_that_could_outlast_the_lease() {
    let documents = Arc::new(Memory::default());
    let lease = takes(&documents, terms("first"), 0).await;
    sleep(TTL.checked_sub(CALL).unwrap()).await;
    assert!(calls(&lease).await.is_ok());
    sleep(Duration::from_millis(1)).await;
    assert!(matches!(calls(&lease).await, Err(PortError::LeaseLost)));
}

#[tokio::test(start_paused = true)]
async fn invariant_13_a_call_is_cut_off_when_it_takes_longer_than_a_call_may() {
    let documents = Arc::new(Memory::default());
    let lease = takes(&documents, terms("first"), 0).await;
    let began = Instant::now();
    let endless = lease.fence::<()>("remove scoring", std::future::pending());
    let error = endless.await.unwrap_err();
    assert_eq!(error.to_string(), "cannot remove scoring for now");
    let source = std::error::Error::source(&error).map(ToString::to_string);
    assert_eq!(source, Some(format!("there was no answer within {CALL:?}")));
    assert_eq!(began.elapsed(), CALL);
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_renewed_keeps_every_standby_waiting() {
    let documents = Arc::new(Memory::default());
    let lease = takes(&documents, terms("first"), 0).await;
    let standby = takes(&documents, terms("second"), 0);
    tokio::select! {
        biased;
        () = lease.keep() => panic!("it was lost"),
        _ = standby => panic!("it was taken"),
        () = sleep(TTL * 20) => {}
    }
    assert!(calls(&lease).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_is_cut_off_from_the_store_stops_when_its_lease_ends() {
    let documents = Arc::new(Memory::default());
    let lease = takes(&documents, terms("first"), 0).await;
    documents.cut_off.store(true, Ordering::Relaxed);
    let began = Instant::now();
    lease.keep().await;
    assert_eq!(began.elapsed(), TTL);
}

#[tokio::test(start_paused = true)]
async fn a_renewal_whose_answer_is_lost_does_not_lose_the_lease() {
    let documents = Arc::new(Memory::default());
    let lease = takes(&documents, terms("first"), 0).await;
    documents
        .loses_the_next_answer
        .store(true, Ordering::Relaxed);
    let calling = async {
        for _ in 0..100 {
            calls(&lease).await.unwrap();
            sleep(TTL / 20).await;
        }
    };
    tokio::select! {
        biased;
        () = lease.keep() => panic!("it was lost"),
        () = calling => {}
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_recovers_just_before_the_lease_ends_saves_it() {
    let documents = Arc::new(Memory::default());
    let lease = takes(&documents, terms("first"), 0).await;
    documents.cut_off.store(true, Ordering::Relaxed);
    let outage = async {
        sleep(TTL * 3 / 4).await;
        documents.cut_off.store(false, Ordering::Relaxed);
        sleep(TTL).await;
    };
    tokio::select! {
        biased;
        () = lease.keep() => panic!("it was lost"),
        () = outage => {}
    }
    assert!(calls(&lease).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_lease_whose_taking_lost_its_answer_is_taken_again_at_once() {
    let documents = Arc::new(Memory::default());
    let store = Arc::clone(&documents) as Arc<dyn Documents>;
    let mut standby = Standby::new(terms("first"));
    let vacancy = standby.vacancy(store.as_ref()).await.unwrap();
    documents
        .loses_the_next_answer
        .store(true, Ordering::Relaxed);
    let lost = standby.take(vacancy, Arc::clone(&store), 0).await;
    assert!(matches!(lost, Err(PortError::Unavailable { .. })));
    let began = Instant::now();
    let vacancy = standby.vacancy(store.as_ref()).await.unwrap();
    let lease = standby.take(vacancy, store, 0).await.unwrap();
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!(lease.epoch(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_was_given_back_is_taken_at_once() {
    let documents = Arc::new(Memory::default());
    let first = takes(&documents, terms("first"), 0).await;
    first.give_back().await;
    let began = Instant::now();
    let second = takes(&documents, terms("second"), 0).await;
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!(second.epoch(), first.epoch() + 1);
}

#[tokio::test(start_paused = true)]
async fn exclusive_terms_take_the_lease_at_once_and_never_lose_it() {
    let documents = Arc::new(Memory::default());
    takes(&documents, terms("crashed"), 0).await;
    let began = Instant::now();
    let lease = takes(&documents, LeaseTerms::Exclusive, 0).await;
    assert_eq!(began.elapsed(), Duration::ZERO);
    sleep(TTL * 10).await;
    assert!(calls(&lease).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn invariant_13_the_epoch_does_not_fall_even_where_the_lease_was_lost() {
    let documents = Arc::new(Memory::default());
    takes(&documents, LeaseTerms::Exclusive, 0).await;
    documents.delete(LEASE_PATH).await.unwrap();
    let lease = takes(&documents, LeaseTerms::Exclusive, 41).await;
    assert_eq!(lease.epoch(), 42);
}
