//! From text to logical lines: what one instruction is made of.

use super::model::Heredoc;
use super::words;

/// One instruction's source, before it is understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Logical {
    /// First line, from 1.
    pub line: usize,
    /// Last line, heredocs included.
    pub end_line: usize,
    /// Continued lines joined, comments between them left out.
    pub joined: String,
    /// The here-documents it opens.
    pub heredocs: Vec<Heredoc>,
}

/// A failure at a line.
pub(super) struct LineFault {
    pub line: usize,
    pub message: String,
    pub hint: Option<String>,
}

impl LineFault {
    pub(super) fn new(line: usize, message: impl Into<String>) -> Self {
        Self { line, message: message.into(), hint: None }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// The escape character: what `# escape=` says among the directives at the very top, else `\`.
///
/// Directives end at the first line that is none (Dockerfile reference, "Parser directives").
pub(super) fn escape_of(text: &str) -> Result<char, LineFault> {
    for (index, line) in text.lines().enumerate() {
        let Some((key, value)) = directive(line) else { break };
        if key == "escape" {
            return match value {
                // BuildKit takes none for the usual one.
                "\\" | "" => Ok('\\'),
                "`" => Ok('`'),
                other => Err(LineFault::new(index + 1, format!("the escape directive is `{other}`"))
                    .hint("only `\\` and a backtick can be the escape character")),
            };
        }
    }
    Ok('\\')
}

/// The image that reads the file instead of the builder, and its line: what `# syntax=` says among the directives.
pub(super) fn syntax_of(text: &str) -> Option<(&str, usize)> {
    let directives = text.lines().map_while(directive).zip(1..);
    directives.into_iter().find(|((key, _), _)| key == "syntax").map(|((_, value), line)| (value, line))
}

/// `# key=value`, the key in lower case.
fn directive(line: &str) -> Option<(String, &str)> {
    let (key, value) = line.trim_start().strip_prefix('#')?.split_once('=')?;
    let key = key.trim();
    let known = ["syntax", "escape", "check"];
    let key = key.to_ascii_lowercase();
    known.contains(&key.as_str()).then_some((key, value.trim()))
}

/// Cuts a text into logical lines.
pub(super) fn logical_lines(text: &str, escape: char) -> Result<Vec<Logical>, LineFault> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut found = Vec::new();
    let mut next = 0;
    while next < lines.len() {
        let start = next;
        let first = lines[next].trim_start();
        next += 1;
        if first.is_empty() || first.starts_with('#') {
            continue;
        }
        let (mut joined, mut continued) = strip_continuation(first, escape);
        while continued && next < lines.len() {
            let line = lines[next];
            next += 1;
            let bare = line.trim_start();
            // Comments and empty lines between continued lines belong to no command.
            if bare.is_empty() || bare.starts_with('#') {
                continue;
            }
            let (part, more) = strip_continuation(line, escape);
            joined.push_str(&part);
            continued = more;
        }
        let mut heredocs = Vec::new();
        for mut opened in openings(&joined, escape) {
            let mut closed = false;
            while next < lines.len() {
                let line = lines[next];
                next += 1;
                let line = if opened.chomp { line.trim_start_matches('\t') } else { line };
                if line.trim_end_matches(['\n', '\r']) == opened.doc.name {
                    closed = true;
                    break;
                }
                opened.doc.content.push_str(line);
            }
            if !closed {
                let name = &opened.doc.name;
                return Err(LineFault::new(start + 1, format!("the heredoc `{name}` is not closed"))
                    .hint(format!("close it with a line that contains only `{name}`")));
            }
            heredocs.push(opened.doc);
        }
        if !joined.trim().is_empty() {
            found.push(Logical { line: start + 1, end_line: next, joined, heredocs });
        }
    }
    Ok(found)
}

/// A line without its end and its continuation mark, and whether it had one.
fn strip_continuation(line: &str, escape: char) -> (String, bool) {
    let bare = line.trim_end_matches(['\n', '\r']);
    let trimmed = bare.trim_end_matches([' ', '\t']);
    // A doubled escape is a literal one, as BuildKit's continuation pattern has it.
    match trimmed.strip_suffix(escape) {
        Some(rest) if !rest.ends_with(escape) => (rest.to_owned(), true),
        _ => (bare.to_owned(), false),
    }
}

struct Opening {
    doc: Heredoc,
    chomp: bool,
}

/// The here-documents that a logical line opens; only RUN, COPY and ADD (also behind ONBUILD) can, and
/// not in exec form.
fn openings(joined: &str, escape: char) -> Vec<Opening> {
    let mut rest = joined;
    let mut word = words::keyword(rest);
    if word.0.eq_ignore_ascii_case("ONBUILD") {
        rest = word.1;
        word = words::keyword(rest);
    }
    let can = ["RUN", "COPY", "ADD"].iter().any(|name| word.0.eq_ignore_ascii_case(name));
    if !can || !rest.contains("<<") || words::json_array(words::flags(word.1, escape).1).is_some() {
        return Vec::new();
    }
    let words = words::split_quoted(word.1, escape);
    // BuildKit lets a blank stand before the name.
    let next = words.iter().skip(1).map(String::as_str).chain([""]);
    let is_apart = |word: &str| word.trim_start_matches(|c: char| c.is_ascii_digit()) == "<<";
    let whole = |(word, next): (&String, &str)| if is_apart(word) { format!("{word}{next}") } else { word.clone() };
    words.iter().zip(next).map(whole).filter_map(|word| opening(&word)).collect()
}

/// `<<EOF`, `3<<-"EOF"`: `^(\d*)<<(-?)([^<]*)$` as in `BuildKit`.
fn opening(word: &str) -> Option<Opening> {
    let rest = word.trim_start_matches(|c: char| c.is_ascii_digit()).strip_prefix("<<")?;
    let (rest, chomp) = match rest.strip_prefix('-') {
        Some(rest) => (rest, true),
        None => (rest, false),
    };
    if rest.is_empty() || rest.contains('<') {
        return None;
    }
    let name: String = rest.chars().filter(|c| !matches!(c, '"' | '\'' | '\\')).collect();
    let expand = name == rest;
    (!name.is_empty()).then(|| Opening { doc: Heredoc { name, content: String::new(), expand }, chomp })
}
