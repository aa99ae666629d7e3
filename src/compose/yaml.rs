//! A YAML file as a tree whose every key and value has its line.
//!
//! Scalars have the types that Compose's own reader (go-yaml 3) gives them, so that `A: 0x1F` is `31` in
//! an environment as it is there, and `A: yes` stays `yes`.

use std::path::Path;
use std::sync::Arc;

use serde_saphyr::Tagged;

use super::fault::ComposeFault;
use super::parts::ComposeScalar;
use super::raw::{self, MAX_DEPTH, Raw, RawValue};
use crate::text::Place;

/// The largest file that is read, in bytes.
pub(super) const MAX_BYTES: u64 = 1024 * 1024;

/// A value and where it is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct YamlNode {
    pub value: YamlValue,
    pub place: Place,
    /// `!reset` or `!override`, which Compose's merging looks at.
    pub tag: Option<MergeTag>,
}

/// What an override file asks for by a tag (spec 13, "Merge").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MergeTag {
    Reset,
    Override,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum YamlValue {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<YamlNode>),
    Map(Vec<(YamlKey, YamlNode)>),
}

/// A key and where it is written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct YamlKey {
    pub text: String,
    pub place: Place,
}

impl YamlNode {
    pub(super) fn new(value: YamlValue, place: Place) -> Self {
        Self { value, place, tag: None }
    }

    pub(super) fn get(&self, key: &str) -> Option<&YamlNode> {
        match &self.value {
            YamlValue::Map(entries) => entries.iter().find(|(own, _)| own.text == key).map(|(_, node)| node),
            _ => None,
        }
    }

    /// A scalar as Go prints it, as Compose turns it into text; `None` for null, lists and mappings.
    pub(crate) fn scalar(&self) -> Option<String> {
        Some(match &self.value {
            YamlValue::Bool(value) => value.to_string(),
            YamlValue::Int(value) => value.to_string(),
            YamlValue::Float(value) => float_text(*value),
            YamlValue::Text(text) => text.clone(),
            _ => return None,
        })
    }

    /// All scalars below, by their paths.
    pub(super) fn said(&self) -> Vec<ComposeScalar> {
        fn walk(node: &YamlNode, path: &str, found: &mut Vec<ComposeScalar>) {
            let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
            match &node.value {
                YamlValue::Map(entries) => {
                    for (key, value) in entries {
                        walk(value, &below(&key.text), found);
                    }
                }
                YamlValue::List(items) => {
                    for (index, item) in items.iter().enumerate() {
                        walk(item, &below(&index.to_string()), found);
                    }
                }
                _ => found.extend(node.scalar().map(|text| ComposeScalar {
                    field: path.to_owned(),
                    text,
                    place: node.place.clone(),
                })),
            }
        }
        let mut found = Vec::new();
        walk(self, "", &mut found);
        found
    }

    /// What it is, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match &self.value {
            YamlValue::Null => "nothing",
            YamlValue::Bool(_) => "a truth value",
            YamlValue::Int(_) | YamlValue::Float(_) => "a number",
            YamlValue::Text(_) => "a string",
            YamlValue::List(_) => "a list",
            YamlValue::Map(_) => "a mapping",
        }
    }
}

/// Go's `%v` of a float: an exponent from 21 digits on and below 0.0001.
fn float_text(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-4..1e21).contains(&size) {
        let text = format!("{value:e}");
        let (digits, power) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, power) = power.strip_prefix('-').map_or(('+', power), |power| ('-', power));
        return format!("{digits}e{sign}{power:0>2}");
    }
    value.to_string()
}

/// Reads a text; the file is only its name.
pub(super) fn parse(text: &str, file: &Arc<Path>) -> Result<YamlNode, ComposeFault> {
    raw::begin();
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_documents: 1,
            max_depth: MAX_DEPTH,
            max_nodes: 100_000,
            // Many services have few settings in common. What counts is what the aliases unfold to.
            enforce_alias_anchor_ratio: false,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 200_000,
            max_replay_stack_depth: 32,
        },
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        non_finite_float_policy: serde_saphyr::options::NonFiniteFloatPolicy::AsString,
        with_snippet: false,
    };
    let raw = serde_saphyr::from_str_with_options::<Raw>(text, options).map_err(|error| unreadable(&error, file))?;
    Ok(Reader { text, file }.node(raw, None))
}

/// A text that need not be a compose file; none if it is not readable as YAML.
pub(crate) fn tree(text: &str) -> Option<YamlNode> {
    parse(text, &Arc::from(Path::new(""))).ok()
}

/// serde-saphyr's error in our words.
fn unreadable(error: &serde_saphyr::Error, file: &Arc<Path>) -> ComposeFault {
    let line = error.location().and_then(|at| usize::try_from(at.line()).ok());
    let message = error.to_string();
    let message = message.lines().next().unwrap_or("malformed YAML");
    // It says the place again in its text.
    let cut = [" at line ", " (defined", ", set DuplicateKeyPolicy"].iter().filter_map(|mark| message.find(mark)).min();
    let message = &message[..cut.unwrap_or(message.len())];
    let place = Place::new(Arc::clone(file), line.unwrap_or(1).max(1));
    let says = |words: &[&str]| words.iter().any(|word| message.to_lowercase().contains(word));
    if says(&["recursion", "depth", "nest"]) {
        return ComposeFault::new(&place, format!("the file nests deeper than {MAX_DEPTH} levels"))
            .hint("a compose file does not need so many: check that this is the right file");
    }
    let fault = ComposeFault::new(&place, format!("not readable as YAML: {message}"));
    if says(&["budget", "limit", "exceed", "unfold"]) {
        return fault.hint("a compose file does not need so much: check that this is the right file");
    }
    fault
}

struct Reader<'a> {
    text: &'a str,
    file: &'a Arc<Path>,
}

impl Reader<'_> {
    /// `key` is the line of the key before the value: nearer to what a person looks for than the value's.
    fn node(&self, raw: Raw, key: Option<&Place>) -> YamlNode {
        let own = self.place(raw.defined);
        let Tagged(value, tag) = raw.value;
        let value = match value {
            RawValue::Null => YamlValue::Null,
            RawValue::Plain => resolve(self.source(raw.defined), false),
            RawValue::Text(text) => {
                let plain = tag.is_none() && self.source(raw.defined) == text && !self.quoted(raw.defined);
                if plain { resolve(&text, true) } else { YamlValue::Text(text) }
            }
            RawValue::List(items) => YamlValue::List(items.into_iter().map(|item| self.node(item, None)).collect()),
            RawValue::Map(entries) => YamlValue::Map(
                entries
                    .into_iter()
                    .map(|(key, value)| {
                        let place = self.place(key.defined);
                        let node = self.node(value, Some(&place));
                        (YamlKey { text: key.value, place }, node)
                    })
                    .collect(),
            ),
        };
        let place = match (&value, key) {
            (YamlValue::List(_) | YamlValue::Map(_), Some(key)) => key.clone(),
            _ => own,
        };
        let tag = match tag.as_deref() {
            Some("!reset") => Some(MergeTag::Reset),
            Some("!override") => Some(MergeTag::Override),
            _ => None,
        };
        YamlNode { value, place, tag }
    }

    fn place(&self, at: serde_saphyr::Location) -> Place {
        Place::new(Arc::clone(self.file), usize::try_from(at.line()).unwrap_or(1).max(1))
    }

    fn source(&self, at: serde_saphyr::Location) -> &str {
        let start = at.span().byte_offset().and_then(|at| usize::try_from(at).ok());
        let len = at.span().byte_len().and_then(|len| usize::try_from(len).ok());
        match (start, len) {
            (Some(start), Some(len)) => self.text.get(start..start + len).unwrap_or_default(),
            _ => "",
        }
    }

    fn quoted(&self, at: serde_saphyr::Location) -> bool {
        self.source(at).starts_with(['"', '\''])
    }
}

/// go-yaml's type of a plain scalar. `text_only`: serde-saphyr took it for a string, so that it can only
/// be a number with leading zeros.
fn resolve(plain: &str, text_only: bool) -> YamlValue {
    let bare = plain.trim();
    match bare {
        "true" | "True" | "TRUE" if !text_only => return YamlValue::Bool(true),
        "false" | "False" | "FALSE" if !text_only => return YamlValue::Bool(false),
        "" | "~" | "null" | "Null" | "NULL" if !text_only => return YamlValue::Null,
        _ => {}
    }
    if let Some(number) = integer(bare) {
        return YamlValue::Int(number);
    }
    let numeric = bare.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
    if numeric
        && bare.chars().all(|c| c.is_ascii_digit() || "+-.eE_".contains(c))
        && let Ok(number) = bare.replace('_', "").parse::<f64>()
    {
        // Go has unsigned integers above ours; what matters of them is their text.
        if !bare.starts_with('0') && bare.parse::<u64>().is_ok() {
            return YamlValue::Text(bare.to_owned());
        }
        return YamlValue::Float(number);
    }
    YamlValue::Text(bare.to_owned())
}

/// Go's integer literals: `0x`, `0o`, `0b`, and a leading zero for octal.
fn integer(text: &str) -> Option<i64> {
    let clean = text.replace('_', "");
    let (sign, digits) = match clean.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", clean.strip_prefix('+').unwrap_or(&clean)),
    };
    let (radix, digits) = match digits.get(..2) {
        Some("0x" | "0X") => (16, &digits[2..]),
        Some("0o" | "0O") => (8, &digits[2..]),
        Some("0b" | "0B") => (2, &digits[2..]),
        Some(zero) if zero.starts_with('0') => (8, &digits[1..]),
        _ => (10, digits),
    };
    let good = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
    good.then(|| i64::from_str_radix(&format!("{sign}{digits}"), radix).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(text: &str) -> Result<YamlNode, ComposeFault> {
        parse(text, &Arc::from(Path::new("compose.yaml")))
    }

    #[test]
    fn scalars_are_typed_as_in_go() {
        for (yaml, expected) in [
            ("yes", YamlValue::Text("yes".into())),
            ("true", YamlValue::Bool(true)),
            ("0644", YamlValue::Int(0o644)),
            ("'0644'", YamlValue::Text("0644".into())),
            ("!!str 0644", YamlValue::Text("0644".into())),
            ("0o17", YamlValue::Int(15)),
            ("0x1F", YamlValue::Int(31)),
            ("1_000", YamlValue::Int(1000)),
            ("1.50", YamlValue::Float(1.5)),
            ("1e3", YamlValue::Float(1000.0)),
            ("22:22", YamlValue::Text("22:22".into())),
            ("0890", YamlValue::Float(890.0)),
            ("12345678901234567890", YamlValue::Text("12345678901234567890".into())),
            ("1.2.3", YamlValue::Text("1.2.3".into())),
            ("~", YamlValue::Null),
        ] {
            let node = tree(&format!("a: {yaml}\n"));
            assert_eq!(
                node.unwrap_or_else(|e| panic!("{yaml}: {}", e.message)).get("a").unwrap().value,
                expected,
                "{yaml}"
            );
        }
        assert_eq!(float_text(1e21), "1e+21");
        assert_eq!(float_text(0.000_01), "1e-05");
        assert_eq!(float_text(1e6), "1000000");
    }

    #[test]
    fn lines_survive_anchors_and_merges() {
        let node = tree("x: &a\n  b: 1\n  c: [1]\ny:\n  <<: *a\n  d:\n    e: f\nz: *a\n").unwrap();
        let YamlValue::Map(entries) = &node.get("y").unwrap().value else { panic!() };
        let mut lines: Vec<_> =
            entries.iter().map(|(key, node)| (key.text.as_str(), key.place.line, node.place.line)).collect();
        lines.sort_unstable();
        assert_eq!(lines, [("b", 2, 2), ("c", 3, 3), ("d", 6, 6)]);
    }

    #[test]
    fn hostile_files_are_refused() {
        let bomb = |count: usize| {
            let mut text = format!("a0: &a0 \"{}\"\n", "x".repeat(100_000));
            for level in 1..count {
                let before = format!("*a{}", level - 1);
                let items = vec![before; 9].join(",");
                text.extend([format!("a{level}: &a{level} [{items}]\n")]);
            }
            text
        };
        let chain = (1..500)
            .fold("a0: &a0 x\n".to_owned(), |text, level| format!("{text}a{level}: &a{level} [*a{}]\n", level - 1));
        for (text, line, says) in [
            ("a: 1\na: 2\n".to_owned(), 2, "duplicate"),
            (bomb(9), 4, "unfold"),
            (format!("a: {}", "[".repeat(10_000)), 1, ""),
            (format!("a: {}", "{a: ".repeat(10_000)), 1, ""),
            (format!("a: {}{}", "[".repeat(200), "]".repeat(200)), 1, "deeper"),
            (format!("a: {}{}", "{a: ".repeat(200), "}".repeat(200)), 1, "deeper"),
            (chain, 25, "deeper"),
            ("a: b\n c: d\n".to_owned(), 2, ""),
            ("a: *b\n".to_owned(), 1, "b"),
            ("a: &a [*a]\n".to_owned(), 1, ""),
            ("---\na: b\n---\nc: d\n".to_owned(), 3, ""),
        ] {
            let short: String = text.chars().take(30).collect();
            let fault = tree(&text).err().unwrap_or_else(|| panic!("{short} is read"));
            assert!(fault.message.to_lowercase().contains(says), "{short}: {}", fault.message);
            assert!(fault.place.line.abs_diff(line) <= 1, "{short}: line {}", fault.place.line);
        }
    }
}
