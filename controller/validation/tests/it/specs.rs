//! The specs that people copy from.

use std::path::Path;

use validation::check;

#[test]
fn every_spec_that_people_copy_from_is_valid_without_warnings() {
    let specs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../specs");
    let mut seen = 0;
    for entry in std::fs::read_dir(specs).unwrap() {
        let path = entry.unwrap().path();
        let checked = check(&path.display().to_string(), &std::fs::read(&path).unwrap());
        let lines: Vec<String> = checked
            .diagnostics
            .iter()
            .map(ToString::to_string)
            .collect();
        assert!(checked.is_valid() && lines.is_empty(), "{lines:#?}");
        assert_eq!(
            checked.name.unwrap().as_str(),
            path.file_stem().unwrap().to_str().unwrap()
        );
        seen += 1;
    }
    assert!(seen > 0, "no spec was checked");
}
