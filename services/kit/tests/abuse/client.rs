//! A client that sends what it likes.

use std::io::ErrorKind;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpSocket, TcpStream};

/// What a well-behaved client asks for.
pub(crate) const HELLO: &str = "GET /hello HTTP/1.1\r\nhost: a\r\n\r\n";

/// A request with a body of JSON.
pub(crate) fn order(body: &str) -> String {
    let length = body.len();
    format!(
        "POST /orders HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

/// One connection.
pub(crate) struct Client(BufReader<TcpStream>);

/// Whether all was sent that was to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    Whole,
    /// The server closed the connection before.
    Closed,
}

/// An answer's status and body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self::of(TcpStream::connect(address).await.unwrap())
    }

    /// One that takes in next to nothing of what it does not read.
    pub(crate) async fn connect_deaf(address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(1).unwrap();
        Self::of(socket.connect(address).await.unwrap())
    }

    /// With a small buffer, as there are thousands.
    fn of(stream: TcpStream) -> Self {
        Self(BufReader::with_capacity(512, stream))
    }

    /// Sends all of it, or as much as the server takes before it closes the connection.
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) -> Sent {
        match self.0.write_all(bytes.as_ref()).await {
            Ok(()) => Sent::Whole,
            Err(error) => {
                assert!(is_closed(error.kind()), "{error}");
                Sent::Closed
            }
        }
    }

    /// Sends nothing any more.
    pub(crate) async fn falls_silent(&mut self) {
        self.0.shutdown().await.unwrap();
    }

    /// The next answer; nothing when the server closes the connection instead.
    pub(crate) async fn answer(&mut self) -> Option<Answer> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match self.0.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(error) => {
                    assert!(is_closed(error.kind()), "{error}");
                    assert!(head.is_empty(), "half an answer: {head:?}");
                    return None;
                }
            }
        }
        let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).await.unwrap();
        Some(Answer {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            body: String::from_utf8(body).unwrap(),
        })
    }

    /// The next answer's status; nothing when the server closes the connection instead.
    pub(crate) async fn status(&mut self) -> Option<u16> {
        self.answer().await.map(|answer| answer.status)
    }

    /// Waits until the server has closed the connection, whatever it still says.
    pub(crate) async fn gets_closed(mut self) {
        let mut rest = Vec::new();
        if let Err(error) = self.0.read_to_end(&mut rest).await {
            assert!(is_closed(error.kind()), "{error}");
        }
    }
}

/// A client that behaves, on a connection of its own, gets its answer.
pub(crate) async fn somebody_else_is_answered(address: SocketAddr) {
    let mut client = Client::connect(address).await;
    client.send(HELLO).await;
    assert_eq!(client.status().await, Some(200));
}

/// In an orderly way, or cut off.
fn is_closed(error: ErrorKind) -> bool {
    matches!(
        error,
        ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe
    )
}
