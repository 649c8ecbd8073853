//! The YAML language server, spoken to as an editor does: the Language Server Protocol over standard input and output.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

/// Answers and notices read until the one that is waited for: more would be a server gone wild.
const MOST_MESSAGES: usize = 200;

/// A running server; it ends with the test.
pub(crate) struct LanguageServer {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    last_id: u64,
}

impl LanguageServer {
    pub(crate) fn start() -> Self {
        let program = program();
        assert!(
            program.is_file(),
            "there is no {}: run `.ci/need test` first",
            program.display()
        );
        let mut child = Command::new("node")
            .arg(&program)
            .arg("--stdio")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut server = Self {
            input: child.stdin.take().unwrap(),
            output: BufReader::new(child.stdout.take().unwrap()),
            child,
            last_id: 0,
        };
        server.introduce();
        server
    }

    fn introduce(&mut self) {
        let capabilities = json!({ "textDocument": { "publishDiagnostics": {} } });
        self.ask(
            "initialize",
            &json!({ "processId": std::process::id(), "rootUri": null, "capabilities": capabilities }),
        );
        self.tell("initialized", &json!({}));
        // Nothing but what the first line of the file names.
        let yaml = json!({ "yaml": { "schemaStore": { "enable": false }, "hover": true, "completion": true, "validate": true } });
        self.tell(
            "workspace/didChangeConfiguration",
            &json!({ "settings": yaml }),
        );
    }

    /// Opens `file` with `text`; returns what is underlined.
    pub(crate) fn open(&mut self, file: &Path, text: &str) -> Vec<Value> {
        let document =
            json!({ "uri": uri(file), "languageId": "yaml", "version": 1, "text": text });
        self.tell("textDocument/didOpen", &json!({ "textDocument": document }));
        let notice = self.wait_for(|message| {
            message["method"] == "textDocument/publishDiagnostics"
                && message["params"]["uri"] == uri(file)
        });
        notice["params"]["diagnostics"].as_array().cloned().unwrap()
    }

    /// What may be typed at `place`, a line and a column from 0.
    pub(crate) fn complete(&mut self, file: &Path, place: (usize, usize)) -> Vec<String> {
        let answer = self.ask("textDocument/completion", &at(file, place));
        let items = if answer.is_array() {
            &answer
        } else {
            &answer["items"]
        };
        let label = |item: &Value| item["label"].as_str().unwrap().to_owned();
        items.as_array().unwrap().iter().map(label).collect()
    }

    /// What is said of `place`.
    pub(crate) fn hover(&mut self, file: &Path, place: (usize, usize)) -> String {
        let answer = self.ask("textDocument/hover", &at(file, place));
        answer["contents"]["value"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.last_id += 1;
        let id = self.last_id;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        let answer =
            self.wait_for(|message| message["id"] == id && message.get("method").is_none());
        answer["result"].clone()
    }

    fn tell(&mut self, method: &str, params: &Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    fn send(&mut self, message: &Value) {
        let body = message.to_string();
        write!(self.input, "Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
        self.input.flush().unwrap();
    }

    /// The first message that is `wanted`. What the server itself asks meanwhile is answered with nothing.
    fn wait_for(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..MOST_MESSAGES {
            let message = self.receive();
            if wanted(&message) {
                return message;
            }
            if message.get("method").is_some() && message.get("id").is_some() {
                let id = &message["id"];
                self.send(&json!({ "jsonrpc": "2.0", "id": id, "result": null }));
            }
        }
        panic!("it never came")
    }

    fn receive(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut line = String::new();
            let read = self.output.read_line(&mut line).unwrap();
            assert!(read > 0, "the language server has ended");
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("Content-Length: ") {
                length = value.parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        self.output.read_exact(&mut body).unwrap();
        serde_json::from_slice(&body).unwrap()
    }
}

impl Drop for LanguageServer {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Where `.ci/need test` installs it: beside what is built.
fn program() -> PathBuf {
    let built = Path::new(env!("CARGO_BIN_EXE_loanctl"));
    let target = built.ancestors().nth(2).unwrap();
    target.join("editor/node_modules/yaml-language-server/bin/yaml-language-server")
}

fn uri(file: &Path) -> String {
    format!("file://{}", file.display())
}

fn at(file: &Path, (line, character): (usize, usize)) -> Value {
    json!({
        "textDocument": { "uri": uri(file) },
        "position": { "line": line, "character": character },
    })
}
