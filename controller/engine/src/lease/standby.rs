//! Standing by: waiting until the lease is free, and taking it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::LeaseTerms;
use super::holding::Lease;
use super::record::{LEASE_PATH, Record};
use crate::ports::{DocumentVersion, Documents, Expected, PortError, Remedy};

/// How often a standby looks at the lease within its time to live.
const LOOKS_PER_TTL: u32 = 4;

/// A controller that wants the lease.
#[derive(Debug)]
pub(crate) struct Standby {
    terms: LeaseTerms,
    /// The version of the lease that was seen last, and since when it is that one.
    last_seen: Option<(DocumentVersion, Instant)>,
    /// The last attempt to take it. Should it have gone through although its answer was lost, nobody
    /// else holds the lease, and nothing was called in that term.
    attempt: Option<Record>,
}

/// A lease that may be taken.
#[derive(Debug)]
pub(crate) struct Vacancy {
    last: Record,
    expected: Expected,
}

impl Standby {
    pub(crate) const fn new(terms: LeaseTerms) -> Self {
        Self {
            terms,
            last_seen: None,
            attempt: None,
        }
    }

    /// Waits until the lease may be taken.
    ///
    /// # Errors
    /// When it cannot be read: at once on exclusive terms, else when only a person can help.
    pub(crate) async fn vacancy(
        &mut self,
        documents: &dyn Documents,
    ) -> Result<Vacancy, PortError> {
        loop {
            match self.look(documents).await {
                Ok(Some(vacancy)) => return Ok(vacancy),
                Ok(None) => {}
                Err(error) if !self.tries_again(&error) => return Err(error),
                Err(error) => {
                    let cause = &error as &dyn std::error::Error;
                    tracing::warn!(cause, "The lease cannot be read for now.");
                }
            }
            tokio::time::sleep(self.time_between_looks()).await;
        }
    }

    /// Whether waiting may mend `error`.
    pub(crate) fn tries_again(&self, error: &PortError) -> bool {
        self.terms != LeaseTerms::Exclusive && error.remedy() == Remedy::Retry
    }

    /// Begins a new term: above the last one, and above `highest_seen`, the highest that any settings
    /// carry, so that the epoch does not fall even where the record of it was lost.
    ///
    /// # Errors
    /// [`PortError::Conflict`] when another controller was faster; others when it cannot be written.
    pub(crate) async fn take(
        &mut self,
        vacancy: Vacancy,
        documents: Arc<dyn Documents>,
        highest_seen: u64,
    ) -> Result<Lease, PortError> {
        let started = Instant::now();
        let record = Record {
            epoch: vacancy.last.epoch.max(highest_seen) + 1,
            holder: Some(self.terms.holder().to_owned()),
            renewals: 0,
        };
        self.attempt = Some(record.clone());
        let bytes = record.bytes()?;
        let version = documents.put(LEASE_PATH, bytes, vacancy.expected).await?;
        let terms = self.terms.clone();
        Ok(Lease::begun(documents, terms, record, version, started))
    }

    async fn look(&mut self, documents: &dyn Documents) -> Result<Option<Vacancy>, PortError> {
        let Some(document) = documents.get(LEASE_PATH).await? else {
            return Ok(Some(Vacancy {
                last: Record::default(),
                expected: Expected::Absent,
            }));
        };
        let last = Record::read(&document)?;
        let is_free = last.holder.is_none()
            || self.attempt.as_ref() == Some(&last)
            || self.has_run_out(&document.version);
        let expected = Expected::Version(document.version);
        Ok(is_free.then_some(Vacancy { last, expected }))
    }

    fn has_run_out(&mut self, version: &DocumentVersion) -> bool {
        let LeaseTerms::Shared(shared) = &self.terms else {
            return true;
        };
        let now = Instant::now();
        match &self.last_seen {
            Some((seen, since)) if seen == version => {
                now.duration_since(*since) >= shared.ttl + shared.call_timeout
            }
            _ => {
                self.last_seen = Some((version.clone(), now));
                false
            }
        }
    }

    fn time_between_looks(&self) -> Duration {
        match &self.terms {
            LeaseTerms::Exclusive => Duration::ZERO,
            LeaseTerms::Shared(shared) => shared.ttl / LOOKS_PER_TTL,
        }
    }
}
