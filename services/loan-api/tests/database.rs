//! The connection to a database whose address comes in pieces.

use std::time::Duration;

use loan_api::database::{Database, DatabaseArgs};
use loan_api::store::Store;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Long enough for a busy machine, short enough to notice what hangs.
const PATIENCE: Duration = Duration::from_secs(30);
/// PostgreSQL's SSLRequest, all that is sent before TLS stands.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

#[tokio::test]
async fn a_database_without_tls_hears_neither_user_nor_password() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut request = [0; 8];
        client.read_exact(&mut request).await.unwrap();
        client.write_all(b"N").await.unwrap();
        let mut rest = Vec::new();
        client.read_to_end(&mut rest).await.unwrap();
        (request, rest)
    });
    let args = DatabaseArgs {
        database_host: Some("127.0.0.1".to_owned()),
        database_port: Some(port),
        database_name: Some("loans_db".to_owned()),
        database_user: Some("loan_api".to_owned()),
        database_password: Some("hidden".to_owned()),
        ..DatabaseArgs::default()
    };
    let store = Store::new(Database::new(&args, None).unwrap()).unwrap();
    let error = store.migrate().await.unwrap_err();
    assert!(error.to_string().contains("TLS"), "{error}");
    assert!(!error.is_transient());
    let heard = tokio::time::timeout(PATIENCE, server).await.unwrap();
    assert_eq!(heard.unwrap(), (SSL_REQUEST, Vec::new()));
}
