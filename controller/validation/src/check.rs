//! The whole check of one file.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use schema::LoanPlatform;
use schema::names::PlatformName;

use crate::diagnostic::{Diagnostic, Severity};
use crate::finding::Finding;
use crate::identity;
use crate::path::{FieldPath, shortened};
use crate::source::{MAX_FILE_BYTES, Source};
use crate::tree::{Content, Entry, Node, Side};
use crate::{rules, shape, typed, yaml};

/// Most problems reported for one file; the last one then says how many more there are.
pub const MAX_DIAGNOSTICS: usize = 200;

/// What became of a file.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The file, as the caller named it.
    pub file: String,
    /// The platform, when there is no error.
    pub platform: Option<LoanPlatform>,
    /// The platform's name, as far as it can be read even from a bad file.
    pub name: Option<PlatformName>,
    /// Where the name stands.
    pub name_place: NamePlace,
    /// Every problem, by its place.
    pub diagnostics: Vec<Diagnostic>,
}

/// Where `metadata.name` stands; the file's beginning when it does not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamePlace {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Bytes of the source.
    pub span: Range<usize>,
}

impl Checked {
    /// Whether the file is taken; warnings do not refuse it.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.platform.is_some()
    }
}

/// Checks the file `file` that consists of `bytes`.
#[must_use]
pub fn check(file: &str, bytes: &[u8]) -> Checked {
    let source = match Source::read(file, bytes) {
        Ok(source) => source,
        Err(problem) => return not_yaml(Source { file, text: "" }, *problem),
    };
    match yaml::parse(&source) {
        Ok(document) => Check::new(source, &document).run(),
        Err(problem) => not_yaml(source, *problem),
    }
}

/// The answer for a file that could not even be read, because of `reason`.
#[must_use]
pub fn unreadable(file: &str, reason: &str) -> Checked {
    let source = Source { file, text: "" };
    let mut problem = source.problem(0..0, format!("the file cannot be read: {reason}"));
    problem.allowed = Some(format!("a readable file of at most {MAX_FILE_BYTES} bytes"));
    not_yaml(source, problem)
}

/// The answer for a file that is no YAML: one problem, and the name if a line looks like it.
fn not_yaml(source: Source<'_>, problem: Diagnostic) -> Checked {
    let (name, span) = identity::name_in_text(source.text).unzip();
    let name_place = place_of_name(&source, span.unwrap_or_default());
    Checked {
        file: source.file.to_owned(),
        platform: None,
        name,
        name_place,
        diagnostics: vec![problem],
    }
}

fn place_of_name(source: &Source<'_>, span: Range<usize>) -> NamePlace {
    let (line, column) = source.place(span.start);
    NamePlace { line, column, span }
}

/// A finding and the bytes it is about.
struct Marked {
    span: Range<usize>,
    finding: Finding,
}

/// A check under way.
struct Check<'a> {
    source: Source<'a>,
    document: &'a Node,
    marked: Vec<Marked>,
}

impl<'a> Check<'a> {
    fn new(source: Source<'a>, document: &'a Node) -> Self {
        Self {
            source,
            document,
            marked: Vec::new(),
        }
    }

    fn run(mut self) -> Checked {
        let repeated = self.repeated_keys();
        let platform = match identity::mistaken(self.document) {
            Some(finding) => {
                self.report(finding);
                None
            }
            None => self.content(repeated),
        };
        let is_error = |marked: &Marked| marked.finding.severity == Severity::Error;
        let has_errors = self.marked.iter().any(is_error);
        let name_path = FieldPath::from("metadata.name");
        let name_span = self.document.locate(&name_path, Side::Value);
        Checked {
            file: self.source.file.to_owned(),
            platform: platform.filter(|_| !has_errors),
            name: identity::name_in(self.document),
            name_place: place_of_name(&self.source, self.source.within(name_span)),
            diagnostics: self.settled(),
        }
    }

    /// Checks what is certainly meant to be a platform.
    fn content(&mut self, repeated: BTreeSet<FieldPath>) -> Option<LoanPlatform> {
        let json = self.document.to_json();
        let shape = shape::check(self.document, &json);
        let mut unusable = shape.unusable;
        unusable.extend(repeated);
        let read = typed::read(json, &shape.unknown, unusable);
        for finding in shape.findings.into_iter().chain(read.findings) {
            self.report(finding);
        }
        let platform = read.platform?;
        for finding in rules::check(&platform.spec, &read.unusable) {
            self.report(finding);
        }
        Some(platform)
    }

    fn report(&mut self, finding: Finding) {
        let span = self.document.locate(&finding.path, finding.side);
        self.marked.push(Marked { span, finding });
    }

    /// Reports every key that stands twice in one mapping; the fields that are ambiguous for it.
    fn repeated_keys(&mut self) -> BTreeSet<FieldPath> {
        let mut fields = BTreeSet::new();
        let mut open = vec![(FieldPath::default(), self.document)];
        while let Some((path, node)) = open.pop() {
            match &node.content {
                Content::List(items) => {
                    let items = items.iter().enumerate();
                    open.extend(items.map(|(index, item)| (path.item(index), item)));
                }
                Content::Map(entries) => {
                    let mut seen = BTreeMap::new();
                    for entry in entries {
                        let field = path.key(&entry.key);
                        let first = *seen.entry(&entry.key).or_insert(entry.key_span.start);
                        if first != entry.key_span.start {
                            self.repeated(&field, first, entry);
                            fields.insert(field.clone());
                        }
                        open.push((field, &entry.value));
                    }
                }
                _ => {}
            }
        }
        fields
    }

    fn repeated(&mut self, field: &FieldPath, first: usize, entry: &Entry) {
        let key = shortened(&entry.key);
        let (line, _) = self.source.place(first);
        let message = format!("`{key}` stands here a second time; the first is on line {line}");
        let finding = Finding::error(field.clone(), message)
            .at_key()
            .found(&key)
            .allowed("each key once")
            .help("keep one of the two");
        self.marked.push(Marked {
            span: entry.key_span.clone(),
            finding,
        });
    }

    /// The problems by place, each once, and not more than people read.
    fn settled(mut self) -> Vec<Diagnostic> {
        let mut marked = std::mem::take(&mut self.marked);
        marked.sort_by(|a, b| {
            let by_place =
                (a.span.start, a.finding.severity).cmp(&(b.span.start, b.finding.severity));
            by_place.then_with(|| a.finding.path.cmp(&b.finding.path))
        });
        marked.dedup_by(|a, b| a.finding == b.finding && a.span == b.span);
        let hidden = marked.len().saturating_sub(MAX_DIAGNOSTICS);
        marked.truncate(MAX_DIAGNOSTICS);
        let mut diagnostics: Vec<Diagnostic> = marked
            .into_iter()
            .map(|marked| self.placed(marked))
            .collect();
        if let (1.., Some(last)) = (hidden, diagnostics.last_mut()) {
            last.message = format!("{} (and {hidden} more problems)", last.message);
        }
        diagnostics
    }

    fn placed(&self, marked: Marked) -> Diagnostic {
        let Marked { span, finding } = marked;
        let written = self.written(&finding);
        Diagnostic {
            severity: finding.severity,
            field: finding.path.shown(),
            found: match finding.side {
                Side::Value => written.or(finding.found),
                Side::Key => finding.found.or(written),
            },
            allowed: finding.allowed,
            help: finding.help,
            ..self.source.problem(span, finding.message)
        }
    }

    /// What is written at the finding's field, as it is written.
    fn written(&self, finding: &Finding) -> Option<String> {
        let node = self.document.get(&finding.path)?;
        match &node.content {
            Content::List(_) | Content::Map(_) => None,
            _ => {
                let text = &self.source.text[self.source.within(node.span.clone())];
                (!text.is_empty()).then(|| shortened(text))
            }
        }
    }
}

/// Whether a file in a specs directory is a spec: YAML by its name, and not what an editor leaves
/// while it works.
#[must_use]
pub fn is_spec_file(name: &str) -> bool {
    let is_yaml = name.ends_with(".yaml") || name.ends_with(".yml");
    is_yaml && !name.starts_with('.')
}
