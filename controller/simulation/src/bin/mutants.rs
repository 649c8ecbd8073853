//! Breaks the engine on purpose, one way after another, and runs simulated worlds until an invariant
//! tells: `make mutants`. A mutation that no world notices is a gap in the simulation.
//!
//! `NAME="skip-baseline no-fence"` tries these only; `BUDGET=60` gives each so many seconds of worlds.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for people"
)]

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

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
const DEFAULT_BUDGET_S: u64 = 60;

/// What became of a mutation.
enum Fate {
    /// An invariant told, after so many worlds.
    Caught { worlds: u64, invariant: String },
    /// No world noticed.
    Survived { worlds: u64 },
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
    let places = Places::here();
    prepare(&places)?;
    let wanted = std::env::var("NAME").unwrap_or_default();
    let wanted: Vec<&str> = wanted.split_whitespace().collect();
    let mut all_caught = true;
    println!("{:<32} {:>8}  caught by", "mutation", "worlds");
    for mutation in Mutation::all()? {
        if !wanted.is_empty() && !wanted.contains(&mutation.name.as_str()) {
            continue;
        }
        let fate = try_one(&mutation, &places)?;
        all_caught &= matches!(fate, Fate::Caught { .. });
        tell(&mutation, &fate);
    }
    // Nobody is to run a broken engine later and take it for the real one.
    fs::copy(places.pristine(), places.mutated())?;
    Ok(all_caught)
}

/// Where things are.
struct Places {
    root: PathBuf,
    target: PathBuf,
    copy: PathBuf,
}

impl Places {
    fn here() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let target = std::env::var_os("CARGO_TARGET_DIR");
        let target = target.map_or_else(|| root.join("target"), PathBuf::from);
        Self {
            copy: target.join("mutants"),
            root,
            target,
        }
    }

    /// The program with the engine as it was built last.
    fn mutated(&self) -> PathBuf {
        self.target.join("release/simulate")
    }

    /// The program with the engine as it is.
    fn pristine(&self) -> PathBuf {
        self.copy.join("pristine")
    }
}

fn tell(mutation: &Mutation, fate: &Fate) {
    let name = &mutation.name;
    match fate {
        Fate::Caught { worlds, invariant } => println!("{name:<32} {worlds:>8}  {invariant}"),
        Fate::Survived { worlds } => println!("{name:<32} {worlds:>8}  NOBODY: {}", mutation.why),
        Fate::DoesNotCompile => println!("{name:<32} {:>8}  it does not compile", "-"),
    }
}

/// Copies what is needed, with a manifest of its own, and builds the engine as it is.
fn prepare(places: &Places) -> Result<(), Box<dyn std::error::Error>> {
    let Places { root, copy, .. } = places;
    for name in CRATES {
        copy_folder(&root.join(name), &copy.join(name))?;
    }
    let mut manifest: DocumentMut = fs::read_to_string(root.join("Cargo.toml"))?.parse()?;
    let members: Array = CRATES.into_iter().collect();
    manifest["workspace"]["members"] = value(members);
    fs::write(copy.join("Cargo.toml"), manifest.to_string())?;
    fs::copy(root.join("Cargo.lock"), copy.join("Cargo.lock"))?;
    if !build(places)? {
        return Err("the engine as it is does not build".into());
    }
    fs::copy(places.mutated(), places.pristine())?;
    Ok(())
}

/// Has `to` hold what `from` holds; files that are the same already are left alone, so that nothing is built
/// anew.
fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    remove_what_is_gone(from, to)?;
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

/// A module that became a folder, or was taken out, would otherwise still be there from the last time.
fn remove_what_is_gone(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(to)? {
        let entry = entry?;
        let is_folder = entry.file_type()?.is_dir();
        let source = from.join(entry.file_name());
        match (is_folder, source.is_dir(), source.is_file()) {
            (true, true, _) | (false, _, true) => {}
            (true, ..) => fs::remove_dir_all(entry.path())?,
            (false, ..) => fs::remove_file(entry.path())?,
        }
    }
    Ok(())
}

fn try_one(mutation: &Mutation, places: &Places) -> Result<Fate, Box<dyn std::error::Error>> {
    let sources = places.root.join("controller/engine/src");
    let mutated = places
        .copy
        .join("controller/engine/src")
        .join(&mutation.file);
    fs::write(&mutated, mutation.applied(&sources)?)?;
    let built = build(places);
    fs::copy(sources.join(&mutation.file), &mutated)?;
    if !built? {
        return Ok(Fate::DoesNotCompile);
    }
    watch(places)
}

fn build(places: &Places) -> io::Result<bool> {
    let built = Command::new("cargo")
        .args(["build", "--quiet", "--release", "--offline"])
        .args(["-p", "simulation", "--bin", "simulate"])
        .env("CARGO_TARGET_DIR", &places.target)
        // One mutation differs from the next by a line: what is built of it need not be fast, but soon.
        .env("CARGO_INCREMENTAL", "1")
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
        .current_dir(&places.copy)
        .status()?;
    Ok(built.success())
}

/// Runs worlds until an invariant tells, in one in which it holds for the engine as it is.
fn watch(places: &Places) -> Result<Fate, Box<dyn std::error::Error>> {
    let budget = std::env::var("BUDGET").ok().and_then(|it| it.parse().ok());
    let deadline = Instant::now() + Duration::from_secs(budget.unwrap_or(DEFAULT_BUDGET_S));
    let (mut from, mut worlds) = (1, 0);
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let told = worlds_of(&places.mutated(), from, left)?;
        worlds += told.worlds;
        match told.broken {
            None if told.went_well => return Ok(Fate::Survived { worlds }),
            None => {
                let invariant = "a panic".to_owned();
                return Ok(Fate::Caught { worlds, invariant });
            }
            Some((seed, invariant)) if holds(&places.pristine(), seed)? => {
                return Ok(Fate::Caught { worlds, invariant });
            }
            Some((seed, _)) => from = seed + 1,
        }
    }
}

/// What a campaign told.
struct Told {
    worlds: u64,
    went_well: bool,
    broken: Option<(u64, String)>,
}

fn worlds_of(simulate: &Path, from: u64, budget: Duration) -> io::Result<Told> {
    let ran = Command::new(simulate)
        .env_remove("SEED")
        .env_remove("SEEDS")
        .env("FROM", from.to_string())
        .env("SECONDS_BUDGET", budget.as_secs().to_string())
        .output()?;
    let told = String::from_utf8_lossy(&ran.stdout);
    let worlds = told.lines().find_map(|line| line.strip_prefix("worlds"));
    let broken = told.lines().filter_map(|line| {
        let (seed, invariant) = line.strip_prefix("  SEED=")?.split_once(' ')?;
        Some((seed.parse().ok()?, invariant.trim().to_owned()))
    });
    Ok(Told {
        worlds: worlds.and_then(|it| it.trim().parse().ok()).unwrap_or(0),
        went_well: ran.status.success(),
        broken: broken.min(),
    })
}

/// Whether every invariant holds in one world.
fn holds(simulate: &Path, seed: u64) -> io::Result<bool> {
    let ran = Command::new(simulate)
        .env("SEED", seed.to_string())
        .output()?;
    Ok(ran.status.success())
}
