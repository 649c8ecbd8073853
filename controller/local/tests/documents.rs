//! Documents in directories hold the contract of documents anywhere.

#[path = "../../engine/contract/documents.rs"]
mod contract;

use local_adapter::StoreDocuments;

#[tokio::test]
async fn documents_in_directories_hold_the_contract() {
    let (specs, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let documents = StoreDocuments::open(specs.path(), state.path()).unwrap();
    contract::holds_for(&documents).await;
}
