//! Clients that read answers which go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// How a client reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tempo {
    /// All that comes.
    Reads,
    /// The head of the answer, and nothing more: a client that has gone to sleep.
    ReadsNothing,
}

/// Open clients. They hang up when this is dropped.
pub(crate) struct Readers {
    bytes: Arc<AtomicU64>,
    _clients: JoinSet<()>,
}

impl Readers {
    /// So many clients that ask `address` for `path`, each with its first bytes.
    pub(crate) async fn open(address: &str, path: &str, count: usize, tempo: Tempo) -> Self {
        let bytes = Arc::new(AtomicU64::new(0));
        let mut clients = JoinSet::new();
        for _ in 0..count {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nAccept: */*\r\n\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut first = vec![0; 64];
            let read = stream.read(&mut first).await.unwrap();
            let head = String::from_utf8_lossy(&first[..read]).into_owned();
            assert!(head.starts_with("HTTP/1.1 200"), "{path}: {head}");
            clients.spawn(go_on(stream, tempo, Arc::clone(&bytes)));
        }
        Self {
            bytes,
            _clients: clients,
        }
    }

    /// Bytes read since they were last forgotten.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn forget(&self) {
        self.bytes.store(0, Ordering::Relaxed);
    }
}

async fn go_on(mut stream: TcpStream, tempo: Tempo, bytes: Arc<AtomicU64>) {
    if tempo == Tempo::ReadsNothing {
        std::future::pending::<()>().await;
    }
    let mut buffer = vec![0; 64 * 1_024];
    while let Ok(read) = stream.read(&mut buffer).await
        && read > 0
    {
        bytes.fetch_add(read as u64, Ordering::Relaxed);
    }
}
