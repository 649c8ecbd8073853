//! Making calls: within the quotas, counted, and tried again where that is safe.

use std::future::Future;
use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use engine::ports::{Permit, PortError, Urgency};

use crate::failure::{Failure, port_error};
use crate::quota::{Family, Quotas, Token};
use crate::tally::{Outcome, Tally};

/// How often a read is made before its failure is told.
const ATTEMPTS: u32 = 3;
/// Pause after the first failure; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// What a call is.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// The quota that it is on.
    pub(crate) family: Family,
    /// The permission that it takes: `ecs:DescribeServices`.
    pub(crate) permission: &'static str,
    /// What is being done, in words: `read 10 services`.
    pub(crate) action: String,
}

/// Makes calls to AWS.
#[derive(Debug)]
pub(crate) struct Caller {
    quotas: Quotas,
    tally: Tally,
}

impl Caller {
    pub(crate) const fn new(quotas: Quotas, tally: Tally) -> Self {
        Self { quotas, tally }
    }

    /// Makes a call that changes nothing. It waits for its token, and is made again while it is throttled or
    /// its failure may pass.
    ///
    /// # Errors
    /// The last failure.
    pub(crate) async fn read<T, E, F>(
        &self,
        call: &Call,
        urgency: Urgency,
        send: impl Fn() -> F,
    ) -> Result<T, PortError>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        let mut pause = FIRST_PAUSE;
        let mut attempt = 1;
        loop {
            if let Some(token) = self.quotas.leave(call.family, urgency).await {
                token.spend();
            }
            let error = match self.counted(call.family, send()).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let may_pass = matches!(
                Failure::of_sdk(&error),
                Failure::Throttled | Failure::Transient
            );
            if !may_pass || attempt == ATTEMPTS {
                return Err(port_error(&call.action, call.permission, error));
            }
            attempt += 1;
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
    }

    /// Waits until each of `families` has room for one call.
    pub(crate) async fn permit(&self, families: &[Family], urgency: Urgency) -> Permit {
        let mut tokens = Vec::with_capacity(families.len());
        for family in families {
            tokens.extend(self.quotas.leave(*family, urgency).await);
        }
        Permit::new(move |used| {
            if used {
                tokens.into_iter().for_each(Token::spend);
            }
        })
    }

    /// Makes a call that changes something, once, on a permit that was waited for.
    ///
    /// # Errors
    /// Its own, for the caller to look at.
    pub(crate) async fn change<T, E>(
        &self,
        family: Family,
        send: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<T, SdkError<E, HttpResponse>>
    where
        E: ProvideErrorMetadata,
    {
        self.counted(family, send).await
    }

    async fn counted<T, E>(
        &self,
        family: Family,
        send: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<T, SdkError<E, HttpResponse>>
    where
        E: ProvideErrorMetadata,
    {
        let answer = send.await;
        let outcome = match &answer {
            Ok(_) => Outcome::Answered,
            Err(error) if Failure::of_sdk(error) == Failure::Throttled => Outcome::Throttled,
            Err(_) => Outcome::Failed,
        };
        if outcome == Outcome::Throttled {
            self.quotas.throttled(family);
        }
        self.tally.count(family, outcome);
        answer
    }
}
