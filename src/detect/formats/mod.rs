//! Readers of formats: a text becomes a [`Datum`]. A file is known by its name; what is broken is no evidence, and no error.

mod compose;
mod dockerfile;
mod json;
mod toml;
mod xml;
mod yaml;

use super::datum::Datum;

pub(super) use compose::{own_service, started};
pub(super) use dockerfile::dockerfile;

/// No manifest nests deeper.
const DEEPEST: usize = 48;

/// Reads a text by the ending of its file's name; none for what is not structured, or broken.
pub(super) fn read(name: &str, text: &str) -> Option<Datum> {
    let ending = name.rsplit('.').next().unwrap_or_default().to_lowercase();
    match ending.as_str() {
        "json" | "jsonc" | "json5" | "webmanifest" => json::read(text),
        "toml" => toml::read(text),
        "yaml" | "yml" => yaml::read(text),
        "xml" | "csproj" | "fsproj" | "vbproj" | "props" | "slnx" | "config" => xml::read(text),
        // Lock files and settings without an ending of their own.
        "lock" | "pipfile" => toml::read(text).or_else(|| json::read(text)),
        _ => None,
    }
}

/// Words as a line of a shell, those with spaces or signs in quotes.
fn line_of_words(words: &[&str]) -> String {
    let quoted = |word: &&str| {
        let bare = !word.is_empty() && !word.contains([' ', '\t', '"', '\'', '&', ';', '|']);
        if bare { (*word).to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
    };
    words.iter().map(quoted).collect::<Vec<_>>().join(" ")
}

/// Maps byte offsets of a text to lines.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Self(text.match_indices('\n').map(|(at, _)| at).collect())
    }

    fn line(&self, offset: usize) -> usize {
        self.0.partition_point(|end| *end < offset) + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_gives_values_with_their_lines() {
        for (name, text, path, expected) in [
            ("a.json", "{\n // c\n \"a\": {\"b\": [1, 2.50,]},\n}", "a/b/1", ("2.50", 3)),
            ("a.toml", "x = 1\n[a.b]\nc = \"d\"", "a/b/c", ("d", 3)),
            ("a.toml", "x = 3.10", "x", ("3.10", 1)),
            ("a.yaml", "a:\n  - b: c\n", "a/0/b", ("c", 2)),
            ("a.yaml", "a: 1\n---\nb: 2\n", "b", ("2", 3)),
            ("a.csproj", "<P>\n<G><T>8</T></G><R I=\"x\"/></P>", "P/G/T", ("8", 2)),
            ("a.csproj", "<P>\n<G><T>8</T></G><R I=\"x\"/></P>", "P/R/@I", ("x", 2)),
            ("Pipfile", "[requires]\nv = '3'\n", "requires/v", ("3", 2)),
        ] {
            let datum = read(name, text).unwrap_or_else(|| panic!("{name}: {text}"));
            let found = datum.first(path).unwrap_or_else(|| panic!("{name}: {path} in {datum:?}"));
            assert_eq!((found.text.as_deref().unwrap_or_default(), found.line), expected, "{name}: {path}");
        }
    }

    #[test]
    fn what_is_broken_or_too_deep_is_no_evidence() {
        let deep = |open: &str, close: &str| format!("{}{}", open.repeat(20_000), close.repeat(20_000));
        for (name, text) in [
            ("a.json", "{\"a\": "),
            ("a.json", &deep("[", "]")),
            ("a.json", &deep("{\"a\":", "}")),
            ("a.toml", "a = ["),
            ("a.toml", &format!("a = {}", deep("[", "]"))),
            ("a.yaml", "a: [b\nc: }"),
            ("a.yaml", &deep("[", "]")),
            ("a.xml", "<a><b></a>"),
            ("a.xml", &deep("<a>", "</a>")),
            ("a.txt", "a = 1"),
        ] {
            assert!(read(name, text).is_none_or(|datum| datum.entries.is_empty()), "{name}");
        }
    }
}
