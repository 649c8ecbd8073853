//! The controller read with the real kubectl, as if it were a cluster.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use engine::board::PlatformObject;

use crate::command::run;
use crate::guides;
use crate::laptop::{BOUND, Laptop};
use crate::spec::Spec;
use crate::view::View;

/// A `kubectl` that knows no more than the kubeconfig that `loanctl up` has written.
fn kubectl(laptop: &Laptop, arguments: &[&str]) -> Command {
    let mut command = Command::new("kubectl");
    command
        .args(arguments)
        .env("KUBECONFIG", laptop.state().join("kubeconfig"))
        // Where it keeps what it has discovered.
        .env("HOME", laptop.state())
        .stdin(Stdio::null());
    command
}

async fn outcome(laptop: &Laptop, arguments: &[&str]) -> Output {
    run(kubectl(laptop, arguments)).await
}

/// What it prints, which must be without complaint.
async fn print(laptop: &Laptop, arguments: &[&str]) -> String {
    let output = outcome(laptop, arguments).await;
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.success(),
        "kubectl {arguments:?}: {complaint}"
    );
    String::from_utf8(output.stdout).unwrap()
}

/// What it complains of.
async fn complaint(laptop: &Laptop, arguments: &[&str]) -> String {
    let output = outcome(laptop, arguments).await;
    assert!(
        !output.status.success(),
        "kubectl {arguments:?} should fail"
    );
    String::from_utf8(output.stderr).unwrap()
}

/// A `kubectl` that goes on, and the lines that it prints.
struct Following {
    child: Child,
    lines: Receiver<String>,
}

impl Following {
    fn new(laptop: &Laptop, arguments: &[&str]) -> Self {
        let mut child = kubectl(laptop, arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            output
                .lines()
                .map_while(Result::ok)
                .try_for_each(|line| sender.send(line))
        });
        Self { child, lines }
    }

    /// The next line that `holds`.
    fn line(&self, what: &str, holds: impl Fn(&str) -> bool) -> String {
        let mut seen = Vec::new();
        loop {
            let line = self.lines.recv_timeout(BOUND);
            let line = line.unwrap_or_else(|_| panic!("waited for {what}; seen: {seen:#?}"));
            if holds(&line) {
                return line;
            }
            seen.push(line);
        }
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A platform with labels.
fn labelled() -> Spec {
    Spec::new().with(
        "  name: local\n",
        "  name: local\n  labels: {team: credit, tier: test}\n",
    )
}

/// The words of a line.
fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_reads_platforms_and_what_happened_to_them() {
    let laptop = Laptop::with(&labelled()).await;
    tables_are_those_of_the_definition(&laptop).await;
    objects_are_what_the_controller_says_itself(&laptop).await;
    selectors_select(&laptop).await;
    events_are_the_history(&laptop).await;
    fields_are_explained(&laptop).await;
    mistakes_are_named(&laptop).await;
}

async fn tables_are_those_of_the_definition(laptop: &Laptop) {
    let table = print(laptop, &["get", "lp"]).await;
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(words(lines[0]), ["NAME", "READY", "PHASE", "REASON", "AGE"]);
    assert_eq!(words(lines[1])[..2], ["local", "True"], "{table}");
    let wide = print(laptop, &["get", "loanplatforms", "-o", "wide", "-A"]).await;
    assert!(wide.starts_with("NAMESPACE"), "{wide}");
    assert!(
        wide.contains("ENDPOINT") && wide.contains(&laptop.endpoint()),
        "{wide}"
    );
    assert!(print(laptop, &["get", "all"]).await.contains("local"));
}

async fn objects_are_what_the_controller_says_itself(laptop: &Laptop) {
    let object = print(laptop, &["get", "lp", "local", "-o", "json"]).await;
    let object: PlatformObject = serde_json::from_str(&object).unwrap();
    let own = laptop.platform().await;
    assert_eq!(object.spec, own.spec);
    assert_eq!(object.metadata.uid, own.metadata.uid);
    let annotations = object.metadata.annotations.unwrap();
    assert_eq!(annotations["lending.dev/source"], "specs/local.yaml");
    let yaml = print(laptop, &["get", "lp", "local", "-o", "yaml"]).await;
    assert!(yaml.contains("kind: LoanPlatform"), "{yaml}");
}

async fn selectors_select(laptop: &Laptop) {
    let names = ["get", "lp", "-o", "name"];
    for all in [
        &["-l", "team in (credit),!owner"][..],
        &["--field-selector", "metadata.name=local"],
    ] {
        let printed = print(laptop, &[&names, all].concat()).await;
        assert_eq!(printed.trim(), "loanplatform.lending.dev/local");
    }
    for none in [
        &["-l", "team!=credit"][..],
        &["--field-selector", "metadata.name=other"],
        &["-n", "other"],
    ] {
        assert_eq!(print(laptop, &[&names, none].concat()).await, "");
    }
}

async fn events_are_the_history(laptop: &Laptop) {
    let described = print(laptop, &["describe", "lp", "local"]).await;
    let (_, events) = described.split_once("Events:").unwrap();
    assert!(
        events.contains("SpecAccepted") && events.contains("loanctl"),
        "{described}"
    );
    let accepted = ["get", "events", "--field-selector", "reason=SpecAccepted"];
    let events = print(laptop, &accepted).await;
    let lines: Vec<&str> = events.lines().collect();
    let header = ["LAST", "SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"];
    assert_eq!(words(lines[0]), header);
    let cells = ["Normal", "SpecAccepted", "loanplatform/local"];
    assert_eq!(words(lines[1])[1..4], cells, "{events}");
    assert_eq!(lines.len(), 2, "{events}");
    let events = print(laptop, &["events", "--for", "lp/local"]).await;
    assert!(events.contains("SpecAccepted"), "{events}");
}

async fn fields_are_explained(laptop: &Laptop) {
    let kind = print(laptop, &["explain", "lp"]).await;
    assert!(kind.contains("KIND:       LoanPlatform"), "{kind}");
    let field = print(laptop, &["explain", "lp.spec.rollout.bakeTime"]).await;
    assert!(field.contains("How long a change is watched"), "{field}");
    let all = print(laptop, &["explain", "lp", "--recursive"]).await;
    assert!(all.contains("liveRevision"), "{all}");
}

async fn mistakes_are_named(laptop: &Laptop) {
    let missing = complaint(laptop, &["get", "lp", "other"]).await;
    let named = "Error from server (NotFound): loanplatforms.lending.dev \"other\" not found";
    assert_eq!(missing.trim(), named);
    let unreadable = complaint(laptop, &["get", "lp", "-l", "team of (credit)"]).await;
    assert!(unreadable.contains("(BadRequest)"), "{unreadable}");
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_watches_an_edit_and_waits_for_it() {
    let spec = Spec::new();
    let laptop = Laptop::with(&spec).await;
    let generations = "jsonpath={.metadata.generation}{\"\\n\"}";
    let watch = Following::new(&laptop, &["get", "lp", "-w", "-o", generations]);
    let table = Following::new(&laptop, &["get", "lp", "-w", "--output-watch-events"]);
    let events = Following::new(&laptop, &["get", "events", "-w"]);
    let waiting = Following::new(
        &laptop,
        &[
            "wait",
            "--for=jsonpath={.spec.mode}=Observe",
            "lp/local",
            "--timeout=80s",
        ],
    );
    watch.line("the platform as it was", |line| line == "1");
    table.line("the platform as it was", |line| line.starts_with("ADDED"));
    events.line("what was", |line| line.contains("SpecAccepted"));

    laptop.save(&spec.with(
        "  deletionPolicy: Retain\n",
        "  deletionPolicy: Retain\n  mode: Observe\n",
    ));
    watch.line("the edit", |line| line == "2");
    table.line("the edit", |line| line.starts_with("MODIFIED"));
    events.line("what the edit brings", |line| line.contains("generation 2"));
    waiting.line("the end of waiting", |line| line.contains("condition met"));

    std::fs::remove_file(laptop.spec_file()).unwrap();
    table.line("the removal", |line| line.starts_with("DELETED"));
    assert_eq!(print(&laptop, &["get", "lp", "-o", "name"]).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_changes_nothing_and_is_told_which_file_to_edit() {
    let laptop = Laptop::with(&Spec::new()).await;
    let file = laptop.spec_file();
    let file = file.to_str().unwrap();
    for attempt in [
        &["apply", "-f", file][..],
        &["apply", "--server-side", "-f", file],
        &["replace", "-f", file],
        &["delete", "-f", file],
        &["delete", "lp", "local"],
        &["delete", "lp", "--all"],
        &[
            "patch",
            "lp",
            "local",
            "--type=merge",
            "-p",
            "{\"spec\":{\"mode\":\"Observe\"}}",
        ],
        &["label", "lp", "local", "a=b"],
        &["annotate", "lp", "local", "a=b"],
    ] {
        let said = complaint(&laptop, attempt).await;
        assert!(said.contains("(MethodNotAllowed)"), "{attempt:?}: {said}");
        assert!(
            said.contains("edit its spec file specs/local.yaml"),
            "{attempt:?}: {said}"
        );
    }
    let mut edit = kubectl(&laptop, &["edit", "lp", "local"]);
    edit.env("EDITOR", "sed -i s/Retain/Delete/");
    let said = String::from_utf8(run(edit).await.stderr).unwrap();
    assert!(
        said.contains("edit its spec file specs/local.yaml"),
        "{said}"
    );
    let said = complaint(&laptop, &["create", "-f", file]).await;
    assert!(
        said.contains("To add a platform, put its spec file"),
        "{said}"
    );
    print(&laptop, &["delete", "lp", "other", "--ignore-not-found"]).await;
    assert_eq!(laptop.platform().await.generation(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_pages_ask_of_kubectl_works_as_it_is_written() {
    let laptop = Laptop::with(&Spec::new()).await;
    let asked = guides::asked_of_kubectl();
    assert!(asked.contains("kubectl get lp"), "{asked}");
    // Where it keeps what it has discovered.
    let script = format!("set -euo pipefail\nexport HOME=$PWD/.loan\n{asked}");
    let output = guides::typed(&laptop, &script).await;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(output.status.success(), "{script}\n{said}");
    assert!(
        said.contains("loanplatform.lending.dev/local condition met"),
        "{said}"
    );
}
