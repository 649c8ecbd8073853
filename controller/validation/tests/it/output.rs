//! How problems look to people and to machines.

use crate::support::edited;
use validation::{check, check_together, render};

#[test]
fn a_problem_is_drawn_with_its_line_underlined() {
    let text = edited(&[("maxAttempts: 2", "maxAtempts: 2")]);
    let checked = check("specs/dev.yaml", text.as_bytes());
    let picture = render(&checked.diagnostics, &text, false);
    let expected = "\
error: `maxAtempts` is not a field here
  --> specs/dev.yaml:34:13
   |
34 |             maxAtempts: 2
   |             ^^^^^^^^^^ spec.services.scoring.clients.provider.retry.maxAtempts
   |
   = note: allowed: backoffMultiplier, budget, initialBackoff, maxAttempts, maxBackoff
   = help: did you mean `maxAttempts`?";
    assert_eq!(picture, expected);
}

#[test]
fn color_is_used_only_where_it_is_wanted() {
    let text = edited(&[("mode: Enforce", "mode: Off")]);
    let diagnostics = check("dev.yaml", text.as_bytes()).diagnostics;
    assert!(render(&diagnostics, &text, true).contains('\u{1b}'));
    assert!(!render(&diagnostics, &text, false).contains('\u{1b}'));
}

#[test]
fn what_a_file_says_cannot_speak_to_the_terminal() {
    let text = edited(&[("mode: Enforce", r#""\e[31mred\n": "\e[2J""#)]);
    let checked = check("dev.yaml", text.as_bytes());
    let one_line = checked.diagnostics[0].one_line();
    assert!(!one_line.contains(['\u{1b}', '\n']), "{one_line:?}");
    assert!(!render(&checked.diagnostics, &text, false).contains('\u{1b}'));
}

#[test]
fn a_file_without_text_is_drawn_too() {
    let large = vec![b'#'; 2 * validation::MAX_FILE_BYTES];
    let checked = check("dev.yaml", &large);
    assert!(render(&checked.diagnostics, "", false).contains("too large"));
}

#[test]
fn machines_get_every_part_by_name() {
    let text = edited(&[("maxAttempts: 2", "maxAttempts: 11")]);
    let checked = check("dev.yaml", text.as_bytes());
    assert_eq!(
        serde_json::to_value(&checked.diagnostics).unwrap(),
        serde_json::json!([{
            "severity": "error",
            "file": "dev.yaml",
            "line": 34,
            "column": 26,
            "field": "spec.services.scoring.clients.provider.retry.maxAttempts",
            "found": "11",
            "allowed": "1 to 10",
            "message": "11 is outside 1 to 10",
        }])
    );
}

#[test]
fn what_was_found_is_given_as_it_was_written() {
    for (from, to, found) in [
        ("\"11.90\"", "11.90", "11.90"),
        ("slidingWindow: 30s", "slidingWindow: 180m", "180m"),
        (
            "waitDurationInOpenState: 5s",
            "waitDurationInOpenState: 3600s",
            "3600s",
        ),
        ("memory: 1024", "memory: 0x200", "0x200"),
    ] {
        let text = edited(&[(from, to)]);
        let diagnostics = check("dev.yaml", text.as_bytes()).diagnostics;
        assert_eq!(diagnostics[0].found.as_deref(), Some(found), "{to}");
    }
}

#[test]
fn namesakes_are_drawn_in_their_own_files() {
    let text = edited(&[]);
    let files = [
        check("a.yaml", text.as_bytes()),
        check("b.yaml", text.as_bytes()),
    ];
    let picture = render(&check_together(&files), &text, false);
    assert!(
        picture.contains("--> a.yaml:4:9") && picture.contains("--> b.yaml:4:9"),
        "{picture}"
    );
}

#[test]
fn of_a_very_long_line_only_the_part_around_the_problem_is_drawn() {
    let text = format!("{{note: {}, kind: LoanPlatfrom}}\n", "x".repeat(50_000));
    let checked = check("dev.yaml", text.as_bytes());
    let picture = render(&checked.diagnostics, &text, false);
    assert!(
        picture.contains("dev.yaml:1:50016") && picture.contains("LoanPlatfrom"),
        "{picture}"
    );
    assert!(picture.len() < 2_000, "{}", picture.len());
}
