//! The DevTools protocol: commands and their answers by number, events as they come.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::PATIENCE;

type Waiting = Arc<Mutex<HashMap<u64, oneshot::Sender<Value>>>>;
type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A connection to a browser.
pub(super) struct Link {
    commands: mpsc::UnboundedSender<Message>,
    waiting: Waiting,
    number: AtomicU64,
    /// What the page complains of: errors, warnings, dialogs.
    pub(super) complaints: Arc<Mutex<Vec<String>>>,
}

impl Link {
    pub(super) async fn to(address: &str) -> Self {
        let (socket, _) = connect_async(address).await.expect("a browser");
        let (commands, outgoing) = mpsc::unbounded_channel();
        let waiting = Waiting::default();
        let complaints = Arc::new(Mutex::new(Vec::new()));
        tokio::spawn(carry(
            socket,
            outgoing,
            Arc::clone(&waiting),
            Arc::clone(&complaints),
        ));
        Self {
            commands,
            waiting,
            number: AtomicU64::new(1),
            complaints,
        }
    }

    /// What `method` answers, in the session of a page or in none.
    pub(super) async fn call(&self, session: Option<&str>, method: &str, params: Value) -> Value {
        let id = self.number.fetch_add(1, Ordering::Relaxed);
        let mut command = json!({"id": id, "method": method, "params": params});
        if let Some(session) = session {
            command["sessionId"] = session.into();
        }
        let (tell, told) = oneshot::channel();
        self.waiting.lock().unwrap().insert(id, tell);
        self.commands.send(command.to_string().into()).unwrap();
        let answer = tokio::time::timeout(PATIENCE, told).await;
        let answer = answer.expect("an answer in time").expect("an answer");
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }
}

async fn carry(
    socket: Socket,
    mut outgoing: mpsc::UnboundedReceiver<Message>,
    waiting: Waiting,
    complaints: Arc<Mutex<Vec<String>>>,
) {
    let (mut sink, mut stream) = socket.split();
    loop {
        tokio::select! {
            command = outgoing.recv() => match command {
                Some(command) => drop(sink.send(command).await),
                None => return,
            },
            message = stream.next() => match message {
                Some(Ok(Message::Text(text))) => take(&text, &waiting, &complaints),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return,
            },
        }
    }
}

fn take(text: &str, waiting: &Waiting, complaints: &Mutex<Vec<String>>) {
    let message: Value = serde_json::from_str(text).unwrap();
    if let Some(id) = message["id"].as_u64() {
        if let Some(tell) = waiting.lock().unwrap().remove(&id) {
            drop(tell.send(message));
        }
    } else if let Some(complaint) = complaint(&message) {
        complaints.lock().unwrap().push(complaint);
    }
}

/// What nobody may see happen on the console.
fn complaint(event: &Value) -> Option<String> {
    let params = &event["params"];
    let is_bad = match event["method"].as_str()? {
        "Runtime.exceptionThrown" | "Page.javascriptDialogOpening" => true,
        "Runtime.consoleAPICalled" => matches!(params["type"].as_str(), Some("error" | "warning")),
        "Log.entryAdded" => params["entry"]["level"] == "error",
        _ => false,
    };
    is_bad.then(|| params.to_string())
}
