//! A migration that is added is part of the program, although no source file names it.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
}
