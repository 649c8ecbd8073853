//! Which platform counts as the first: its loan API gets the port that the user names.

use std::fs;
use std::path::Path;

use schema::names::PlatformName;

/// The first by name among the spec files of `directory`; nothing when none can be read yet.
pub(super) fn among(directory: &Path) -> Option<PlatformName> {
    let files = fs::read_dir(directory).ok()?;
    let names = files.filter_map(|file| {
        let path = file.ok()?.path();
        if !validation::is_spec_file(path.file_name()?.to_str()?) {
            return None;
        }
        validation::check(&path.display().to_string(), &fs::read(&path).ok()?).name
    });
    names.min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_platform_is_the_first_by_name_whatever_its_file_is_called() {
        let directory = tempfile::tempdir().unwrap();
        for (file, name) in [
            ("a.yaml", "zeta"),
            ("z.yaml", "alpha"),
            ("notes.txt", "aaa"),
        ] {
            let text = format!("kind: LoanPlatform\nmetadata:\n  name: {name}\n");
            fs::write(directory.path().join(file), text).unwrap();
        }
        assert_eq!(
            among(directory.path()),
            PlatformName::try_from("alpha").ok()
        );
    }
}
