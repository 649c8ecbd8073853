//! Whole files that are no spec: each gets one plain answer, in its place.

use crate::support::{SPEC, problems};
use validation::{Checked, MAX_DIAGNOSTICS, MAX_FILE_BYTES, check, check_together};

/// Checks `text`: refused with exactly `line`.
#[track_caller]
fn assert_answer(text: impl AsRef<[u8]>, line: &str) -> Checked {
    let checked = check("dev.yaml", text.as_ref());
    assert_eq!(problems(&checked), [line]);
    assert!(!checked.is_valid());
    checked
}

#[test]
fn a_valid_spec_is_taken_with_its_name_and_no_remark() {
    let checked = check("dev.yaml", SPEC.as_bytes());
    assert_eq!(problems(&checked), Vec::<String>::new());
    assert_eq!(
        checked.platform.unwrap().metadata.name.as_deref(),
        Some("dev")
    );
    assert_eq!(checked.name.unwrap().as_str(), "dev");
    assert_eq!((checked.name_place.line, checked.name_place.column), (4, 9));
}

#[test]
fn windows_line_ends_and_a_byte_order_mark_change_nothing() {
    let text = format!("\u{feff}{}", SPEC.replace('\n', "\r\n"));
    assert!(check("dev.yaml", text.as_bytes()).is_valid());
    let broken = text.replace("mode: Enforce\r", "mode: On\r");
    let checked = check("dev.yaml", broken.as_bytes());
    assert_eq!(
        (checked.diagnostics[0].line, checked.diagnostics[0].column),
        (6, 9)
    );
}

#[test]
fn an_empty_file_is_called_empty() {
    for text in ["", "\n\n", "# nothing here\n", "---\n", "null\n"] {
        let checked = check("dev.yaml", text.as_bytes());
        assert_eq!(checked.diagnostics.len(), 1, "{text:?}");
        assert_eq!(
            checked.diagnostics[0].message, "the file is empty",
            "{text:?}"
        );
    }
}

#[test]
fn a_file_of_ten_megabytes_is_refused_unread() {
    let text = "a: 1\n".repeat(2 * 1024 * 1024);
    assert_answer(
        &text,
        "error dev.yaml:1:1: the file is too large: 10485760 bytes, and a spec may have 1048576 \
         (allowed: at most 1048576 bytes)",
    );
}

#[test]
fn a_file_of_the_largest_size_is_read() {
    let padding = "#".repeat(MAX_FILE_BYTES - SPEC.len());
    assert!(check("dev.yaml", format!("{SPEC}{padding}").as_bytes()).is_valid());
}

#[test]
fn bytes_that_are_no_utf8_are_named_in_their_place() {
    assert_answer(
        b"kind: LoanPlatform\nmetadata: {name: d\xffv}\n",
        "error dev.yaml:2:19: the file is not UTF-8 text: byte 0xff here (save the file as UTF-8)",
    );
}

#[test]
fn a_tab_in_the_indentation_is_called_a_tab() {
    for (text, place) in [
        (
            SPEC.replacen("  mode: Enforce", "\tmode: Enforce", 1),
            "6:1",
        ),
        (SPEC.replacen("      cpu: 512", "    \tcpu: 512", 1), "11:5"),
    ] {
        assert_answer(
            text,
            &format!(
                "error dev.yaml:{place}: a tab is used for indentation (YAML is indented with \
                 spaces only)"
            ),
        );
    }
}

#[test]
fn a_second_document_is_refused_where_it_begins() {
    assert_answer(
        format!("{SPEC}---\n{SPEC}"),
        "error dev.yaml:105:1: a second document begins here, and a spec file holds one (give each \
         platform a file of its own)",
    );
}

#[test]
fn every_repeated_key_is_refused_and_names_the_first() {
    let text = SPEC
        .replacen("  mode: Enforce\n", "  mode: Enforce\n  mode: Observe\n", 1)
        .replacen("percent: 20,", "percent: 20, percent: 30,", 1);
    let checked = check("dev.yaml", text.as_bytes());
    assert_eq!(
        problems(&checked),
        [
            "error dev.yaml:7:3: spec.mode: `mode` stands here a second time; the first is on line \
             6 (keep one of the two)",
            "error dev.yaml:39:35: spec.services.scoring.clients.provider.retry.budget.percent: \
             `percent` stands here a second time; the first is on line 39 (keep one of the two)",
        ]
    );
}

#[test]
fn aliases_that_expand_without_bound_are_refused() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        text += &format!("a{level}: &a{level} [{aliases}]\n");
    }
    let checked = check("dev.yaml", text.as_bytes());
    assert_eq!(checked.diagnostics.len(), 1);
    let message = &checked.diagnostics[0].message;
    assert_eq!(
        message,
        "the aliases of this file expand to more than 20000 values"
    );
}

#[test]
fn an_anchor_used_twice_is_fine() {
    let text = SPEC
        .replacen(
            "bulkhead: {maxConcurrentCalls: 64}",
            "bulkhead: &b {maxConcurrentCalls: 64}",
            1,
        )
        .replacen("bulkhead: {maxConcurrentCalls: 64}", "bulkhead: *b", 1);
    assert!(check("dev.yaml", text.as_bytes()).is_valid());
}

#[test]
fn a_problem_behind_an_alias_is_shown_where_it_is_used_as_well() {
    let text = SPEC
        .replacen(
            "bulkhead: {maxConcurrentCalls: 64}",
            "bulkhead: &b {maxConcurrentCalls: 0}",
            1,
        )
        .replacen("bulkhead: {maxConcurrentCalls: 64}", "bulkhead: *b", 1);
    let checked = check("dev.yaml", text.as_bytes());
    let lines: Vec<usize> = checked.diagnostics.iter().map(|d| d.line).collect();
    assert_eq!(lines, [21, 51]);
}

#[test]
fn an_alias_of_nothing_and_an_alias_of_itself_are_refused() {
    assert_answer(
        "kind: *nothing\n",
        "error dev.yaml:1:7: this alias names an anchor that is not defined above it",
    );
    assert_answer(
        "kind: &k [*k]\n",
        "error dev.yaml:1:11: this alias is inside the anchor it names",
    );
}

#[test]
fn nesting_without_end_is_refused() {
    for text in [
        "[".repeat(100_000),
        "- ".repeat(100_000),
        "{a: ".repeat(50_000),
    ] {
        let checked = check("dev.yaml", text.as_bytes());
        assert_eq!(checked.diagnostics.len(), 1);
        assert!(!checked.is_valid());
    }
}

#[test]
fn text_that_is_no_yaml_is_refused_in_its_place() {
    assert_answer(
        SPEC.replacen("mode: Enforce", "mode: Enforce: x", 1),
        "error dev.yaml:6:16: this is not YAML: mapping values are not allowed in this context",
    );
}

#[test]
fn another_kind_gets_one_answer_and_not_fifty() {
    assert_answer(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 2}\n",
        "error dev.yaml:2:7: kind: kind `Deployment` is not known here: it must be LoanPlatform",
    );
    assert_answer(
        SPEC.replacen("v1alpha1", "v2", 1),
        "error dev.yaml:1:13: apiVersion: apiVersion `lending.dev/v2` is not known here: it must be \
         lending.dev/v1alpha1",
    );
}

#[test]
fn something_else_altogether_gets_one_answer() {
    assert_answer(
        "some: settings\n",
        "error dev.yaml:1:1: this is no LoanPlatform: apiVersion and kind are missing (begin the \
         file with apiVersion: lending.dev/v1alpha1 and kind: LoanPlatform)",
    );
    assert_answer(
        "- a\n- b\n",
        "error dev.yaml:1:1: the file holds a list, and a spec is a mapping (allowed: a LoanPlatform)",
    );
    assert_answer(
        "hello\n",
        "error dev.yaml:1:1: the file holds plain text, and a spec is a mapping (allowed: a \
         LoanPlatform)",
    );
}

#[test]
fn the_name_is_read_from_files_that_are_refused() {
    for text in [
        SPEC.replacen("mode: Enforce", "mode: Off", 1),
        SPEC.replacen("mode: Enforce", "mode: [", 1),
        SPEC.replacen("kind: LoanPlatform", "kind: Deployment", 1),
        format!("{SPEC}---\na: 1\n"),
    ] {
        let checked = check("dev.yaml", text.as_bytes());
        assert!(!checked.is_valid());
        assert_eq!(
            checked.name.map(|name| name.to_string()).as_deref(),
            Some("dev")
        );
    }
}

#[test]
fn every_problem_of_a_file_is_reported_at_once_and_in_order() {
    let text = crate::support::edited(&[
        ("mode: Enforce", "mode: Enforced"),
        ("memory: 1024", "memory: 512"),
        ("image: auth:0.1.0", "imgae: auth:0.1.0"),
        ("maxAttempts: 2", "maxAttempts: 11"),
        (
            "waitDurationInOpenState: 5s",
            "waitDurationInOpenState: 61s",
        ),
        ("interestRate: \"11.90\"", "interestRate: 11.90"),
        ("name: loan-api-errors", "name: scoring-failures"),
        ("bakeTime: 70s", "bakeTime: 60s"),
    ]);
    let checked = check("dev.yaml", text.as_bytes());
    let lines: Vec<usize> = checked.diagnostics.iter().map(|d| d.line).collect();
    assert_eq!(
        lines,
        [6, 12, 23, 34, 47, 61, 74, 96],
        "{:#?}",
        problems(&checked)
    );
}

#[test]
fn a_missing_required_field_does_not_hide_problems_elsewhere() {
    let text = crate::support::edited(&[
        ("          url: http://score-provider:8084\n", ""),
        ("timeout: 600ms", "timeout: 900ms"),
    ]);
    let checked = check("dev.yaml", text.as_bytes());
    let fields: Vec<_> = checked
        .diagnostics
        .iter()
        .filter_map(|d| d.field.clone())
        .collect();
    assert_eq!(
        fields,
        [
            "spec.services.loanApi.clients.scoring.timeout",
            "spec.services.scoring.clients.provider.url",
        ]
    );
}

#[test]
fn settings_that_are_merely_reckless_are_taken() {
    let text = crate::support::edited(&[
        ("attemptTimeout: 250ms", "attemptTimeout: 5ms"),
        ("maxAttempts: 2", "maxAttempts: 10"),
        ("initialBackoff: 25ms", "initialBackoff: 1ms"),
        ("maxBackoff: 100ms", "maxBackoff: 1ms"),
        ("percent: 20", "percent: 100"),
        ("minRetriesPerSecond: 3", "minRetriesPerSecond: 1000"),
        ("mode: Enabled", "mode: Disabled"),
    ]);
    let checked = check("dev.yaml", text.as_bytes());
    assert_eq!(problems(&checked), Vec::<String>::new());
}

#[test]
fn reckless_settings_are_taken_with_the_default_longest_backoff_too() {
    let text = crate::support::edited(&[
        ("attemptTimeout: 250ms", "attemptTimeout: 5ms"),
        ("maxAttempts: 2", "maxAttempts: 10"),
        ("initialBackoff: 25ms", "initialBackoff: 1ms"),
    ]);
    assert!(check("dev.yaml", text.as_bytes()).is_valid());
}

#[test]
fn a_spec_without_alarms_is_taken_with_a_warning() {
    let start = SPEC.find("  alarms:\n").unwrap();
    let end = SPEC.find("  rollout:\n").unwrap();
    let text = format!("{}  alarms: []\n{}", &SPEC[..start], &SPEC[end..]);
    let checked = check("dev.yaml", text.as_bytes());
    assert!(checked.is_valid());
    assert_eq!(
        problems(&checked),
        [
            "warning dev.yaml:64:3: spec.alarms: no alarm guards scoring changes: none can be taken \
             back by itself (give an alarm the action RollbackScoring, or name it in \
             rollout.rollbackAlarms)"
        ]
    );
}

#[test]
fn a_file_with_a_thousand_problems_reports_some_and_counts_the_rest() {
    let unknown: String = (0..1000).map(|n| format!("  zzzzzzz{n}: 1\n")).collect();
    let text = SPEC.replacen("  mode: Enforce\n", &unknown, 1);
    let checked = check("dev.yaml", text.as_bytes());
    assert_eq!(checked.diagnostics.len(), MAX_DIAGNOSTICS);
    let last = &checked.diagnostics[MAX_DIAGNOSTICS - 1].message;
    assert!(last.ends_with("(and 800 more problems)"), "{last}");
}

#[test]
fn two_files_of_one_name_are_an_error_in_each_naming_the_other() {
    let files = [
        check("a.yaml", SPEC.as_bytes()),
        check(
            "b.yaml",
            SPEC.replacen("name: dev", "name: other", 1).as_bytes(),
        ),
        check(
            "c.yaml",
            SPEC.replacen("mode: Enforce", "mode: [", 1).as_bytes(),
        ),
    ];
    let lines: Vec<String> = check_together(&files)
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        lines,
        [
            "a.yaml:4:9: metadata.name: platform `dev` is described by c.yaml too (rename one of \
             them, or take one file out)",
            "c.yaml:4:9: metadata.name: platform `dev` is described by a.yaml too (rename one of \
             them, or take one file out)",
        ]
    );
    assert!(check_together(&files[..2]).is_empty());
}

#[test]
fn a_file_full_of_problems_is_answered_all_the_same() {
    let unknown: String = (0..2_000)
        .map(|n| format!("  imageimageimageimage{n}: 1\n"))
        .collect();
    let repeated = "  mode: Enforce\n".repeat(500);
    let text = SPEC.replacen("  mode: Enforce\n", &format!("{unknown}{repeated}"), 1);
    let checked = check("dev.yaml", text.as_bytes());
    assert_eq!(checked.diagnostics.len(), MAX_DIAGNOSTICS);
}
