//! The watcher of spec files, on documents that change while it looks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use engine::clock::Clock;
use engine::ports::{Document, DocumentVersion, Documents, Expected, Listed, PortError};
use engine::reconcile::Pace;
use engine::specs::{Remembered, SpecContent, SpecEntry, SpecWatcher};
use engine::tally::Tally;

const PATH: &str = "specs/local.yaml";

/// A spec file that is as it is listed, but for the first time it is read.
#[derive(Debug, Default)]
struct BackAndForth {
    was_read: AtomicBool,
}

fn spec(image: &str) -> String {
    format!(
        r#"
apiVersion: lending.dev/v1alpha1
kind: LoanPlatform
metadata: {{name: local}}
spec:
  services:
    loanApi: {{image: "loan-api:1"}}
    auth: {{image: "auth:1"}}
    scoring:
      image: "{image}"
      clients: {{provider: {{url: "https://scores.example"}}}}
  decision:
    bands: [{{riskBand: LOW, minScore: 700, interestRate: "11.90"}}]
"#
    )
}

/// A file's version is its content, as in S3.
fn version(image: &str) -> DocumentVersion {
    DocumentVersion(image.to_owned())
}

#[async_trait]
impl Documents for BackAndForth {
    async fn get(&self, _: &str) -> Result<Option<Document>, PortError> {
        let image = if self.was_read.swap(true, Ordering::Relaxed) {
            "scoring:1"
        } else {
            "scoring:2"
        };
        Ok(Some(Document {
            bytes: Bytes::from(spec(image)),
            version: version(image),
        }))
    }

    async fn list(&self, _: &str) -> Result<Vec<Listed>, PortError> {
        Ok(vec![Listed {
            path: PATH.to_owned(),
            version: version("scoring:1"),
            size: spec("scoring:1").len() as u64,
        }])
    }

    async fn put(&self, _: &str, _: Bytes, _: Expected) -> Result<DocumentVersion, PortError> {
        Err(PortError::LeaseLost)
    }

    async fn delete(&self, _: &str) -> Result<(), PortError> {
        Err(PortError::LeaseLost)
    }
}

fn image(entries: &[SpecEntry]) -> Option<&str> {
    match &entries.first()?.content {
        SpecContent::Valid(spec) => Some(&spec.services.scoring.image.0),
        SpecContent::Invalid { problems, .. } => Some(problems),
        SpecContent::Removed => None,
    }
}

#[tokio::test]
async fn a_file_that_went_back_and_forth_while_it_was_read_is_read_again() {
    let mut watcher = SpecWatcher::new(
        Arc::new(BackAndForth::default()),
        Remembered::default(),
        Pace {
            moving: Duration::from_secs(1),
            concurrency: 1,
            resync: Duration::from_secs(60),
            listing: Duration::from_secs(60),
            removal: Duration::from_secs(60),
        },
        Clock::system(),
        Arc::new(Tally::default()),
    );
    assert_eq!(image(&watcher.look().await.unwrap()), Some("scoring:2"));
    assert_eq!(image(&watcher.look().await.unwrap()), Some("scoring:1"));
    assert_eq!(image(&watcher.look().await.unwrap()), None);
}
