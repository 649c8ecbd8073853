//! The guides: every command in them is run, as a reader would type it.
//!
//! A fenced block of `sh` is run as it stands, the blocks of a page one after another in one shell, beside a platform that
//! runs. One of `sh until Ctrl-C` goes on until it is interrupted. One of `sh aws` needs an account: of it is checked what
//! can be without one, that `loanctl` knows every command and option in it, and that the scripts are there; of `sh make`, that there are such targets. What is
//! `sh kubectl` is run by the tests of kubectl.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::command::{LOANCTL, loanctl, run};
use crate::laptop::Laptop;
use crate::spec::Spec;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
const PAGES: [&str; 5] = [
    "README.md",
    "docs/operating.md",
    "docs/alarms-and-rollouts.md",
    "docs/moving-in.md",
    "docs/aws.md",
];

/// A fenced block: what stands behind its fence, and its lines.
struct Block {
    kind: String,
    text: String,
}

/// The blocks of `page`.
fn blocks(page: &str) -> Vec<Block> {
    let text = fs::read_to_string(Path::new(ROOT).join(page)).unwrap();
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for line in text.lines() {
        match (line.trim_start().strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(kind), None) => {
                open = Some(Block {
                    kind: kind.trim().to_owned(),
                    text: String::new(),
                });
            }
            (None, Some(block)) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    blocks
}

/// The blocks of `kind` of every page.
fn all(kind: &str) -> Vec<(&'static str, Block)> {
    let of_page = |page: &'static str| blocks(page).into_iter().map(move |it| (page, it));
    let every = PAGES.into_iter().flat_map(of_page);
    every.filter(|(_, block)| block.kind == kind).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_in_the_guides_works_as_it_is_written() {
    let spec = Spec::of(&fs::read_to_string(Path::new(ROOT).join("specs/local.yaml")).unwrap());
    let laptop = Laptop::with(&spec).await;
    let mut run_blocks = 0;
    for page in PAGES {
        let mut script = String::from("set -euo pipefail\n");
        for block in blocks(page) {
            match block.kind.as_str() {
                "sh" => script.push_str(&block.text),
                // Interrupted as by Ctrl-C: 124 is `timeout`'s word that it had to.
                "sh until Ctrl-C" => {
                    let quoted = block.text.replace('\'', r"'\''");
                    script.push_str(&format!(
                        "timeout --signal=INT 5 bash -c '{quoted}' || [ $? = 124 ]\n"
                    ));
                }
                _ => continue,
            }
            run_blocks += 1;
        }
        let output = typed(&laptop, &script).await;
        let said = [output.stdout, output.stderr].concat();
        assert!(
            output.status.success(),
            "{page}: {}\n{script}\n{}",
            output.status,
            String::from_utf8_lossy(&said)
        );
    }
    assert!(run_blocks > 5, "{run_blocks} blocks are too few to be all");
}

/// What kubectl is asked on the pages, as one script.
pub(crate) fn asked_of_kubectl() -> String {
    let blocks = all("sh kubectl").into_iter().map(|(_, block)| block.text);
    blocks.collect()
}

/// Runs `script` where a reader is: in the checkout, with `loanctl` at hand, beside the platform of the example.
pub(crate) async fn typed(laptop: &Laptop, script: &str) -> Output {
    let checkout = laptop.specs().parent().unwrap().to_owned();
    let state = checkout.join(".loan");
    if !state.exists() {
        std::os::unix::fs::symlink(laptop.state(), &state).unwrap();
    }
    let script = script
        .replace("target/release/loanctl", "loanctl")
        .replace(":8080", &format!(":{}", laptop.api_port()))
        .replace(":9090", &format!(":{}", laptop.console_port()));
    let programs = Path::new(LOANCTL).parent().unwrap();
    let path = std::env::var("PATH").unwrap();
    let mut command = Command::new("bash");
    command
        .args(["-c", &script])
        .current_dir(checkout)
        .env("PATH", format!("{}:{path}", programs.display()))
        .env_remove("LOAN_STORE");
    run(command).await
}

#[tokio::test]
async fn what_needs_an_account_names_commands_and_options_that_there_are() {
    let mut checked = 0;
    for (page, block) in all("sh aws") {
        let joined = block.text.replace("\\\n", " ");
        for line in joined.lines() {
            let line = line.trim_start_matches("target/release/");
            let words: Vec<&str> = line.split_whitespace().collect();
            let program = words.first().copied().unwrap_or_default();
            if program.starts_with("infra/") {
                assert!(Path::new(ROOT).join(program).is_file(), "{page}: {line}");
            }
            if program != "loanctl" {
                continue;
            }
            let words = &words[1..];
            let mut command = loanctl(&words[..1]);
            command.arg("--help");
            let output = run(command).await;
            let help = String::from_utf8(output.stdout).unwrap();
            assert!(output.status.success(), "{page}: {line}");
            for option in words.iter().filter(|word| word.starts_with("--")) {
                assert!(help.contains(*option), "{page}: {option} in {line}");
            }
            checked += 1;
        }
    }
    assert!(checked > 3, "{checked} commands are too few to be all");
}

#[test]
fn every_target_that_is_named_is_one() {
    let makefile = fs::read_to_string(Path::new(ROOT).join("Makefile")).unwrap();
    let mut checked = 0;
    for (page, block) in all("sh make") {
        for line in block.text.lines() {
            let mut words = line.split_whitespace().skip_while(|word| *word != "make");
            let target = words.nth(1).unwrap();
            assert!(makefile.contains(&format!("\n{target}:")), "{page}: {line}");
            checked += 1;
        }
    }
    assert!(checked > 5, "{checked} targets are too few to be all");
}
