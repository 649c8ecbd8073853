//! Reading services by their names.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_ecs::Client;
use aws_sdk_ecs::types::{Failure, Service, ServiceField};
use engine::ports::{PortError, Urgency};

use crate::caller::{Call, Caller};
use crate::quota::Family;

/// Services that ECS tells of in one call.
///
/// Source: Amazon ECS API Reference, `DescribeServices`.
pub(crate) const BATCH: usize = 10;
/// What ECS says of a service that is not there.
const MISSING: &str = "MISSING";

/// Tells of services by their names. What batches the looks of many platforms stands behind this as well.
#[async_trait]
pub(crate) trait Describe: Debug + Send + Sync {
    /// The services called `names` in `cluster`, with their tags; those that are not there are left out.
    ///
    /// # Errors
    /// When they cannot be read.
    async fn describe(
        &self,
        cluster: &str,
        names: &[String],
        urgency: Urgency,
    ) -> Result<Vec<Service>, PortError>;
}

/// Asks ECS for ten at a time.
#[derive(Debug)]
pub(crate) struct Asking {
    client: Client,
    caller: Arc<Caller>,
}

impl Asking {
    pub(crate) const fn new(client: Client, caller: Arc<Caller>) -> Self {
        Self { client, caller }
    }
}

#[async_trait]
impl Describe for Asking {
    async fn describe(
        &self,
        cluster: &str,
        names: &[String],
        urgency: Urgency,
    ) -> Result<Vec<Service>, PortError> {
        let mut found = Vec::with_capacity(names.len());
        for names in names.chunks(BATCH) {
            found.extend(self.batch(cluster, names, urgency).await?);
        }
        Ok(found)
    }
}

impl Asking {
    async fn batch(
        &self,
        cluster: &str,
        names: &[String],
        urgency: Urgency,
    ) -> Result<Vec<Service>, PortError> {
        let call = Call {
            family: Family::ServiceRead,
            permission: "ecs:DescribeServices",
            action: format!("read {} services of the cluster {cluster}", names.len()),
        };
        let request = self
            .client
            .describe_services()
            .cluster(cluster)
            .set_services(Some(names.to_vec()))
            .include(ServiceField::Tags);
        let answer = self.caller.read(&call, urgency, || request.clone().send());
        let answer = answer.await?;
        match answer
            .failures()
            .iter()
            .find(|failure| !is_missing(failure))
        {
            Some(failure) => Err(PortError::unavailable(call.action, in_words(failure))),
            None => Ok(answer.services.unwrap_or_default()),
        }
    }
}

fn is_missing(failure: &Failure) -> bool {
    failure.reason() == Some(MISSING)
}

fn in_words(failure: &Failure) -> String {
    let said = |text: Option<&str>| text.unwrap_or("?").to_owned();
    let (arn, reason) = (said(failure.arn()), said(failure.reason()));
    format!("ECS does not tell of {arn}: {reason}")
}
