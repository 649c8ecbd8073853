//! Where the documents and the account are.

use aws_adapter::quota::QuotaConfig;
use aws_adapter::{AwsConfig, ConnectionConfig};
use url::Url;

use crate::cli::{AwsArgs, PlaceArgs};
use crate::exit::UsageError;

/// The bucket that `s3://BUCKET` names.
///
/// # Errors
/// For another scheme, and for a folder in a bucket: a bucket belongs to one controller.
pub(crate) fn bucket(store: &Url) -> Result<String, UsageError> {
    let is_whole = matches!(store.path(), "" | "/");
    match store.host_str() {
        Some(bucket) if store.scheme() == "s3" && is_whole => Ok(bucket.to_owned()),
        _ => Err(UsageError(format!(
            "--store {store} is not usable: write s3://BUCKET"
        ))),
    }
}

/// The home that keeps the place, within `quotas`.
///
/// # Errors
/// When the store is no bucket.
pub(crate) fn home(args: &PlaceArgs, quotas: QuotaConfig) -> Result<AwsConfig, UsageError> {
    Ok(AwsConfig {
        bucket: bucket(&args.store)?,
        connection: connection(&args.aws),
        quotas,
        keeps_notes: true,
    })
}

/// How AWS is reached.
pub(crate) fn connection(args: &AwsArgs) -> ConnectionConfig {
    ConnectionConfig {
        region: args.region.clone(),
        endpoint_url: args.endpoint_url.clone(),
        access_key: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_is_a_whole_bucket() {
        let bucket_of = |text: &str| bucket(&text.parse().unwrap());
        for text in ["s3://loans", "s3://loans/"] {
            assert_eq!(bucket_of(text).unwrap(), "loans");
        }
        for text in ["s3://loans/folder", "file:///tmp/loans", "https://loans"] {
            let error = bucket_of(text).unwrap_err().to_string();
            assert!(error.contains("write s3://BUCKET"), "{error}");
        }
    }
}
