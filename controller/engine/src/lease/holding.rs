//! Holding the lease: renewing it in time, and making no call that might outlast it.

use std::fmt::Display;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::record::{LEASE_PATH, Record};
use super::{LeaseTerms, Shared};
use crate::ports::{DocumentVersion, Documents, Expected, PortError};

/// How often a lease is renewed within its time to live.
const RENEWALS_PER_TTL: u32 = 3;
/// How often a renewal that failed is tried again within the time to live.
const RETRIES_PER_TTL: u32 = 12;

/// A lease that is held.
#[derive(Debug)]
pub(crate) struct Lease {
    documents: Arc<dyn Documents>,
    terms: LeaseTerms,
    epoch: u64,
    hold: Mutex<Hold>,
}

/// The lease as it was last written by this controller.
#[derive(Clone, Debug)]
struct Hold {
    record: Record,
    version: DocumentVersion,
    /// When the write that renewed it was begun.
    renewed_at: Instant,
}

impl Lease {
    pub(super) fn begun(
        documents: Arc<dyn Documents>,
        terms: LeaseTerms,
        record: Record,
        version: DocumentVersion,
        renewed_at: Instant,
    ) -> Self {
        Self {
            documents,
            terms,
            epoch: record.epoch,
            hold: Mutex::new(Hold {
                record,
                version,
                renewed_at,
            }),
        }
    }

    /// The term.
    pub(crate) const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Makes a call that changes something, if there is time for it before the lease ends, and cuts
    /// it off when it takes longer than a call may. `action` says what it does: `remove scoring`.
    ///
    /// # Errors
    /// [`PortError::LeaseLost`] when there is no time for it; else the call's own.
    pub(crate) async fn fence<T>(
        &self,
        action: impl Display,
        call: impl Future<Output = Result<T, PortError>>,
    ) -> Result<T, PortError> {
        let LeaseTerms::Shared(shared) = &self.terms else {
            return call.await;
        };
        if Instant::now() + shared.call_timeout > self.ends_at(shared) {
            return Err(PortError::LeaseLost);
        }
        timeout(shared.call_timeout, call)
            .await
            .unwrap_or_else(|_| {
                let length = shared.call_timeout;
                let source = format!("there was no answer within {length:?}");
                Err(PortError::unavailable(action.to_string(), source))
            })
    }

    /// Renews the lease for as long as it can be held; returns when it is lost.
    pub(crate) async fn keep(&self) {
        let LeaseTerms::Shared(shared) = &self.terms else {
            return std::future::pending().await;
        };
        let mut pause = shared.ttl / RENEWALS_PER_TTL;
        loop {
            let ends_at = self.ends_at(shared);
            match timeout_at(ends_at, self.renew_after(pause)).await {
                Ok(Ok(())) => pause = shared.ttl / RENEWALS_PER_TTL,
                Ok(Err(PortError::LeaseLost)) => {
                    tracing::warn!(self.epoch, "Another controller has taken the lease.");
                    return;
                }
                Ok(Err(error)) => {
                    let cause = &error as &dyn std::error::Error;
                    tracing::warn!(cause, "The lease cannot be renewed for now.");
                    pause = shared.ttl / RETRIES_PER_TTL;
                }
                Err(_) => {
                    tracing::warn!(self.epoch, "The lease has run out.");
                    return;
                }
            }
        }
    }

    /// Gives the lease back, so that a standby need not wait for its end. What fails here only costs
    /// the standby its wait.
    pub(crate) async fn give_back(&self) {
        let LeaseTerms::Shared(shared) = &self.terms else {
            return;
        };
        let Hold {
            mut record,
            version,
            ..
        } = self.hold().clone();
        record.holder = None;
        let written = timeout(shared.call_timeout, self.write(&record, version)).await;
        if !matches!(written, Ok(Ok(_))) {
            tracing::warn!(
                self.epoch,
                "The lease could not be given back; it runs out instead."
            );
        }
    }

    async fn renew_after(&self, pause: Duration) -> Result<(), PortError> {
        sleep(pause).await;
        match self.renew().await {
            Err(PortError::Conflict { .. }) => {
                self.look_again().await?;
                self.renew().await
            }
            renewed => renewed,
        }
    }

    async fn renew(&self) -> Result<(), PortError> {
        let Hold {
            mut record,
            version,
            ..
        } = self.hold().clone();
        record.renewals += 1;
        let renewed_at = Instant::now();
        let version = self.write(&record, version).await?;
        self.renewed(Hold {
            record,
            version,
            renewed_at,
        });
        Ok(())
    }

    /// The lease is not as it was left: either somebody else has it, or an earlier write of this
    /// controller went through although its answer was lost.
    async fn look_again(&self) -> Result<(), PortError> {
        let found = self.documents.get(LEASE_PATH).await?;
        let document = found.ok_or(PortError::LeaseLost)?;
        let record = Record::read(&document)?;
        let ours =
            record.epoch == self.epoch && record.holder.as_deref() == Some(self.terms.holder());
        if !ours {
            return Err(PortError::LeaseLost);
        }
        // When that write was begun is not known any more: the lease ends no later than before, until
        // it is renewed on top of it.
        let renewed_at = self.hold().renewed_at;
        self.renewed(Hold {
            record,
            version: document.version,
            renewed_at,
        });
        Ok(())
    }

    async fn write(
        &self,
        record: &Record,
        version: DocumentVersion,
    ) -> Result<DocumentVersion, PortError> {
        self.documents
            .put(LEASE_PATH, record.bytes()?, Expected::Version(version))
            .await
    }

    fn ends_at(&self, shared: &Shared) -> Instant {
        self.hold().renewed_at + shared.ttl
    }

    fn renewed(&self, hold: Hold) {
        *self.hold() = hold;
    }

    fn hold(&self) -> MutexGuard<'_, Hold> {
        self.hold.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
