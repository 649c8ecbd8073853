//! Verifying a place: what the controller will need is used once, and what does not work is said with what to do
//! about it.

mod account;
mod orphans;
mod queue;
mod services;
mod store;

use std::sync::Arc;

use arc_swap::ArcSwap;
use engine::conditions::with_causes;
use engine::ports::{Documents, PortError};

use crate::caller::Caller;
use crate::connection::Connection;
use crate::documents::S3Documents;
use crate::ecs::{Inventory, Probe};
use crate::home::AwsConfig;
use crate::quota::Quotas;
use crate::tally::Tally;

/// One thing that was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was tried: `read the specs`.
    pub what: String,
    /// What was found, in words, or what is wrong and what to do about it.
    pub outcome: Result<String, String>,
}

impl Finding {
    fn new(what: &str, outcome: Result<String, PortError>) -> Self {
        Self {
            what: what.to_owned(),
            outcome: outcome.map_err(|error| with_causes(&error)),
        }
    }
}

/// Tries everything that a controller with `config`, and with the queue at `queue`, will need.
///
/// What it makes it removes again, but for the task definitions of `loanctl_verify_…`, which cost nothing. A
/// controller that runs meanwhile is not disturbed, but may take the message by which the queue is tried.
pub async fn verify(config: &AwsConfig, queue: Option<&str>) -> Vec<Finding> {
    let documents = match S3Documents::open(&config.bucket, &config.connection) {
        Ok(documents) => Arc::new(documents),
        Err(error) => return vec![Finding::new("open the bucket", Err(error))],
    };
    let connection = Connection::open(&config.connection).await;
    let mut findings = store::findings(&documents).await;
    match store::infrastructure(&documents).await {
        Ok(infrastructure) => {
            findings.push(store::told(&infrastructure));
            findings.extend(account::findings(&connection, &infrastructure).await);
            let caller = Arc::new(Caller::new(Quotas::new(&config.quotas), Tally::default()));
            let documents = Arc::clone(&documents) as Arc<dyn Documents>;
            let probe = Probe::new(&connection, &caller, Arc::clone(&documents), &config.bucket);
            findings.push(services::finding(&probe, &infrastructure).await);
            let infrastructure = Arc::new(ArcSwap::from_pointee(infrastructure));
            let store = (config.bucket.clone(), documents);
            let inventory = Inventory::new(&connection, &caller, infrastructure, store);
            findings.push(orphans::finding(&inventory).await);
        }
        Err(error) => findings.push(Finding::new("read what the account provides", Err(error))),
    }
    match queue {
        Some(url) => findings.extend(queue::findings(&connection, &documents, url).await),
        None => findings.push(Finding {
            what: "receive hints".to_owned(),
            outcome: Ok("no queue is named: changes are found by polling".to_owned()),
        }),
    }
    findings
}
