//! Mutations keep up with the engine that they break.

use std::collections::BTreeSet;
use std::path::Path;

use simulation::Mutation;

#[test]
fn every_mutation_can_be_made_and_has_a_name_of_its_own() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../engine/src");
    let mutations = Mutation::all().unwrap();
    let problems: Vec<String> = mutations
        .iter()
        .filter_map(|mutation| mutation.applied(&sources).err())
        .map(|error| error.to_string())
        .collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    let names: BTreeSet<&str> = mutations.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names.len(), mutations.len(), "names are unique");
    assert!(mutations.len() >= 24);
}
