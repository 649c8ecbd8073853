//! Breaks the engine on purpose, one way after another, and runs simulated worlds until an invariant
//! tells: `make mutants`. A mutation that no world notices is a gap in the simulation.
//!
//! `NAME=skip-baseline` tries one only; `BUDGET=60` gives each so many seconds of worlds.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for people"
)]

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use simulation::Mutation;
use toml_edit::{Array, DocumentMut, value};

/// What a mutated workspace is made of.
const CRATES: [&str; 5] = [
    "schema",
    "controller/validation",
    "controller/engine",
    "controller/cloudwatch-rules",
    "controller/simulation",
];
/// Seconds of worlds that each mutation gets when nothing else is said.
const DEFAULT_BUDGET: &str = "60";

/// What became of a mutation.
enum Fate {
    /// An invariant told, after so many worlds.
    Caught { worlds: String, invariant: String },
    /// No world noticed.
    Survived { worlds: String },
    /// It does not compile: the mutation itself is wrong.
    DoesNotCompile,
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<bool, Box<dyn std::error::Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let copy = target.join("mutants");
    prepare(&root, &copy)?;
    let wanted = std::env::var("NAME").unwrap_or_default();
    let mut all_caught = true;
    println!("{:<32} {:>8}  caught by", "mutation", "worlds");
    for mutation in Mutation::all()? {
        if !wanted.is_empty() && wanted != mutation.name {
            continue;
        }
        let fate = try_one(&mutation, &root, &copy, &target)?;
        all_caught &= matches!(fate, Fate::Caught { .. });
        tell(&mutation, &fate);
    }
    Ok(all_caught)
}

fn tell(mutation: &Mutation, fate: &Fate) {
    let name = &mutation.name;
    match fate {
        Fate::Caught { worlds, invariant } => println!("{name:<32} {worlds:>8}  {invariant}"),
        Fate::Survived { worlds } => println!("{name:<32} {worlds:>8}  NOBODY: {}", mutation.why),
        Fate::DoesNotCompile => println!("{name:<32} {:>8}  it does not compile", "-"),
    }
}

/// Copies what is needed, with a manifest of its own.
fn prepare(root: &Path, copy: &Path) -> Result<(), Box<dyn std::error::Error>> {
    for name in CRATES {
        copy_folder(&root.join(name), &copy.join(name))?;
    }
    let mut manifest: DocumentMut = fs::read_to_string(root.join("Cargo.toml"))?.parse()?;
    let members: Array = CRATES.into_iter().collect();
    manifest["workspace"]["members"] = value(members);
    fs::write(copy.join("Cargo.toml"), manifest.to_string())?;
    fs::copy(root.join("Cargo.lock"), copy.join("Cargo.lock"))?;
    Ok(())
}

/// Copies a folder; files that are the same already are left alone, so that nothing is built anew.
fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, copied) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            copy_folder(&source, &copied)?;
        } else if fs::read(&source)? != fs::read(&copied).unwrap_or_default() {
            fs::copy(&source, &copied)?;
        }
    }
    Ok(())
}

fn try_one(
    mutation: &Mutation,
    root: &Path,
    copy: &Path,
    target: &Path,
) -> Result<Fate, Box<dyn std::error::Error>> {
    let sources = root.join("controller/engine/src");
    let mutated = copy.join("controller/engine/src").join(&mutation.file);
    fs::write(&mutated, mutation.applied(&sources)?)?;
    let built = build(copy, target);
    fs::copy(sources.join(&mutation.file), &mutated)?;
    if !built? {
        return Ok(Fate::DoesNotCompile);
    }
    watch(target)
}

fn build(copy: &Path, target: &Path) -> io::Result<bool> {
    let built = Command::new("cargo")
        .args(["build", "--quiet", "--release", "--offline"])
        .args(["-p", "simulation", "--bin", "simulate"])
        .env("CARGO_TARGET_DIR", target)
        // One mutation differs from the next by a line: what is built of it need not be fast, but soon.
        .env("CARGO_INCREMENTAL", "1")
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
        .current_dir(copy)
        .status()?;
    Ok(built.success())
}

/// Runs worlds until an invariant tells.
fn watch(target: &Path) -> Result<Fate, Box<dyn std::error::Error>> {
    let budget = std::env::var("BUDGET").unwrap_or_else(|_| DEFAULT_BUDGET.to_owned());
    let ran = Command::new(target.join("release/simulate"))
        .env_remove("SEED")
        .env_remove("SEEDS")
        .env("FROM", "1")
        .env("SECONDS_BUDGET", budget)
        .output()?;
    let told = String::from_utf8_lossy(&ran.stdout);
    let after = |label: &str| {
        let line = told.lines().rev().find(|line| line.starts_with(label));
        line.map(|line| line.trim_start_matches(label).trim().to_owned())
    };
    let worlds = after("worlds").unwrap_or_else(|| "?".to_owned());
    let broken = told.lines().rev().find(|line| line.starts_with("  SEED="));
    let invariant = broken.and_then(|line| line.split_whitespace().last());
    Ok(match invariant {
        Some(invariant) => Fate::Caught {
            worlds,
            invariant: invariant.to_owned(),
        },
        None if ran.status.success() => Fate::Survived { worlds },
        None => Fate::Caught {
            worlds,
            invariant: "a panic".to_owned(),
        },
    })
}
