//! The account of a bucket, looked at for a plan.

use anyhow::Context as _;
use aws_adapter::quota::QuotaConfig;
use aws_adapter::{AwsConfig, AwsHome};
use engine::forecast::as_found;
use engine::observed::Observed;
use engine::state::PlatformState;
use tokio::runtime::Runtime;

use crate::cli::StoreArgs;
use crate::place;

/// Share of the account's quotas that a plan takes: the controller, which may be at work beside it, takes half of them,
/// and ECS needs some to watch deployments by.
const SHARE_PERCENT: u32 = 20;

/// An account that can be looked at.
pub(super) struct Account {
    home: AwsHome,
    runtime: Runtime,
}

impl Account {
    /// The account of the bucket that `args` name; nothing where they name none.
    ///
    /// # Errors
    /// When the bucket says nothing of its account.
    pub(super) fn of(args: &StoreArgs) -> anyhow::Result<Option<Self>> {
        let Some(url) = args.store.as_deref().filter(|url| url.starts_with("s3://")) else {
            return Ok(None);
        };
        let store = url.parse().context("the store is no address")?;
        let config = AwsConfig {
            bucket: place::bucket(&store)?,
            connection: place::connection(&args.aws),
            quotas: QuotaConfig {
                share_percent: SHARE_PERCENT,
                ..QuotaConfig::default()
            },
            keeps_notes: false,
        };
        let runtime = Runtime::new().context("cannot start the runtime")?;
        let home = runtime.block_on(AwsHome::open(config));
        let home = home.context("cannot open the account")?;
        Ok(Some(Self { home, runtime }))
    }

    /// What there is of the platform of `state`.
    ///
    /// # Errors
    /// When the account does not let itself be looked at.
    pub(super) fn look(&self, state: &PlatformState) -> anyhow::Result<Observed> {
        let (compute, alarms) = (self.home.compute(), self.home.alarms());
        let documents = self.home.documents();
        let looked = as_found(compute.as_ref(), alarms.as_ref(), documents.as_ref(), state);
        Ok(self.runtime.block_on(looked)?)
    }
}
