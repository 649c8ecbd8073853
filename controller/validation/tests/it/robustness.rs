//! Whatever stands in a file: an answer, never a panic, and every place lies inside the file.

use crate::support::SPEC;
use proptest::prelude::*;
use validation::{check, render};

/// One careless edit.
#[derive(Clone, Debug)]
enum Edit {
    Insert(usize, String),
    Remove(usize, usize),
    Double(usize, usize),
    Swap(usize, usize),
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let place = 0..SPEC.len();
    let fragments = prop::sample::select(vec![
        "\t", "\n", " ", ":", "- ", "[", "]", "{", "}", "\"", "'", "#", "&a ", "*a", "<<: ", "|\n",
        "---\n", "!!int ", "? ", "null", "-1", "1e999", "é", "\u{feff}", "\0", "\r", "~", "%", "@",
    ]);
    let text = prop_oneof![fragments.prop_map(str::to_owned), any::<String>()];
    let edit = prop_oneof![
        (place.clone(), text).prop_map(|(at, text)| Edit::Insert(at, text)),
        (place.clone(), 1_usize..40).prop_map(|(at, length)| Edit::Remove(at, length)),
        (place.clone(), 1_usize..200).prop_map(|(at, length)| Edit::Double(at, length)),
        (place.clone(), place).prop_map(|(a, b)| Edit::Swap(a, b)),
    ];
    prop::collection::vec(edit, 1..6)
}

fn apply(mut bytes: Vec<u8>, edit: &Edit) -> Vec<u8> {
    let within = |at: usize| at.min(bytes.len());
    match edit {
        Edit::Insert(at, text) => {
            let at = within(*at);
            bytes.splice(at..at, text.bytes());
        }
        Edit::Remove(at, length) => {
            bytes.drain(within(*at)..within(at + length));
        }
        Edit::Double(at, length) => {
            let copy = bytes[within(*at)..within(at + length)].to_vec();
            let at = within(*at);
            bytes.splice(at..at, copy);
        }
        Edit::Swap(a, b) if !bytes.is_empty() => {
            let last = bytes.len() - 1;
            bytes.swap((*a).min(last), (*b).min(last));
        }
        Edit::Swap(..) => {}
    }
    bytes
}

/// Checks `bytes` and everything that must hold of any answer.
fn assert_sound(bytes: &[u8]) {
    let checked = check("dev.yaml", bytes);
    let text = String::from_utf8_lossy(bytes);
    let lines = text.split('\n').count();
    for diagnostic in &checked.diagnostics {
        let is_inside = (1..=lines).contains(&diagnostic.line) && diagnostic.column >= 1;
        assert!(
            is_inside && diagnostic.span.end <= bytes.len(),
            "{diagnostic:?}"
        );
        let line = text
            .split('\n')
            .nth(diagnostic.line - 1)
            .unwrap_or_default();
        assert!(
            diagnostic.column <= line.chars().count() + 1,
            "{diagnostic:?}"
        );
        assert!(!diagnostic.one_line().contains('\n'), "{diagnostic:?}");
    }
    let has_error = checked
        .diagnostics
        .iter()
        .any(validation::Diagnostic::is_error);
    assert_eq!(checked.is_valid(), !has_error, "{:#?}", checked.diagnostics);
    let picture = render(&checked.diagnostics, &text, false);
    assert_eq!(picture.is_empty(), checked.diagnostics.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(384))]

    #[test]
    fn a_carelessly_edited_spec_gets_an_answer(edits in edits()) {
        let bytes = edits.iter().fold(SPEC.as_bytes().to_vec(), apply);
        assert_sound(&bytes);
    }

    #[test]
    fn any_text_gets_an_answer(text in "\\PC{0,200}") {
        assert_sound(text.as_bytes());
    }

    #[test]
    fn any_bytes_get_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        assert_sound(&bytes);
    }
}
