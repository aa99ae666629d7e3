//! Ecosystems are data: no Rust code knows a language, a package manager or what they leave. The parsers of their files'
//! formats are the only ones that may, and they are known by their folder.
//!
//! What is looked for is taken from the data itself, so that a new stack's words are looked for, too.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::support::repository;

/// Parsers of formats are in folders of this name.
const FORMATS: &str = "formats";

/// Words of ecosystems that no table of the data has.
const MORE: &[&str] = &[
    "uvicorn",
    "gunicorn",
    "dist-info",
    "egg-info",
    "pyproject",
    "package-lock",
    "go.mod",
    "pom.xml",
    "site-packages",
];

/// Words that mean something else as well; they are looked for as a whole string alone.
const HOMONYMS: &[&str] = &["black", "go", "make", "mix", "node"];

/// A word or an identifier of code, or a string.
#[derive(Debug, PartialEq, Eq)]
enum Token<'a> {
    Name(&'a str),
    Text(&'a str),
}

/// The names and strings of Rust code, each with its line; comments are left out.
fn tokens(code: &str) -> Vec<(usize, Token<'_>)> {
    let mut found = Vec::new();
    let (mut rest, mut line) = (code, 1);
    while !rest.is_empty() {
        let (length, token) = first(rest);
        found.extend(token.map(|token| (line, token)));
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    found
}

/// What code begins with: its length, and the token that it is, if it is one.
fn first(code: &str) -> (usize, Option<Token<'_>>) {
    let next = code.chars().next().map_or(0, char::len_utf8);
    let word = code.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(code.len());
    if code.starts_with("//") {
        return (code.find('\n').unwrap_or(code.len()), None);
    }
    if let Some((start, end)) = raw_string(code) {
        let length = code[start..].find(&end).expect("a string ends");
        return (start + length + end.len(), Some(Token::Text(&code[start..start + length])));
    }
    if code.starts_with('"') {
        let mut escaped = true;
        let end = code.find(|c| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        let end = end.expect("a string ends");
        return (end + 1, Some(Token::Text(&code[1..end])));
    }
    if let Some(rest) = code.strip_prefix('\'') {
        // A character, else a lifetime.
        let inner = if rest.starts_with('\\') { 2 } else { rest.chars().next().map_or(0, char::len_utf8) };
        let end = rest.get(inner..).and_then(|rest| rest.find('\''));
        let is_character = end.is_some_and(|end| end == 0 || rest.starts_with('\\'));
        return (end.filter(|_| is_character).map_or(1, |end| 1 + inner + end + 1), None);
    }
    if word > 0 { (word, Some(Token::Name(&code[..word]))) } else { (next, None) }
}

/// Where the text of a raw string at the beginning of code begins, and what ends it.
fn raw_string(code: &str) -> Option<(usize, String)> {
    let (prefix, rest) = ["r", "br"].iter().find_map(|prefix| Some((prefix, code.strip_prefix(prefix)?)))?;
    let marks = rest.len() - rest.trim_start_matches('#').len();
    rest[marks..].starts_with('"').then(|| (prefix.len() + marks + 1, format!("\"{}", "#".repeat(marks))))
}

/// What a text may say: each of its words, whole and in parts, without numbers at the end, and the ending of a file's name.
fn said(text: &str) -> BTreeSet<String> {
    let text = text.to_lowercase();
    let mut said = BTreeSet::from([text.trim().to_owned()]);
    for word in text.split(|c: char| !c.is_ascii_alphanumeric() && !"_.+-".contains(c)) {
        said.extend([word, word.trim_matches(['.', '_', '+', '-'])].map(ToOwned::to_owned));
        said.extend(word.split(['.', '_', '+', '-']).map(ToOwned::to_owned));
        said.extend(word.rsplit_once('.').map(|(_, ending)| format!(".{ending}")));
    }
    let bare: Vec<String> =
        said.iter().map(|word| word.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned()).collect();
    said.extend(bare);
    said
}

/// What an identifier may say: itself and its parts, of both kinds of case.
fn named(name: &str) -> BTreeSet<String> {
    let mut spaced = String::new();
    for c in name.chars() {
        if c.is_uppercase() && spaced.ends_with(|c: char| c.is_lowercase()) {
            spaced.push(' ');
        }
        spaced.push(if c == '_' { ' ' } else { c });
    }
    said(&spaced).into_iter().chain([name.to_lowercase()]).collect()
}

fn toml(path: &Path) -> toml::Table {
    let text = std::fs::read_to_string(path).unwrap();
    text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn files(folder: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = walkdir::WalkDir::new(repository().join(folder))
        .into_iter()
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| path.is_file())
        .collect();
    found.sort();
    found
}

/// The strings at a path of tables: keys of a table, items of a list. `*` is every key.
fn at(value: &toml::Value, path: &[&str]) -> Vec<String> {
    match (path, value) {
        ([], toml::Value::Table(table)) => table.keys().cloned().collect(),
        ([], toml::Value::Array(list)) => list.iter().filter_map(|one| Some(one.as_str()?.to_owned())).collect(),
        ([], toml::Value::String(text)) => vec![text.clone()],
        (["*", rest @ ..], toml::Value::Table(table)) => table.values().flat_map(|value| at(value, rest)).collect(),
        ([key, rest @ ..], toml::Value::Table(table)) => table.get(*key).map_or_else(Vec::new, |value| at(value, rest)),
        _ => Vec::new(),
    }
}

/// The words of every stack and ecosystem, in lower case.
fn words() -> BTreeSet<String> {
    let mut words: BTreeSet<String> = MORE.iter().map(ToString::to_string).collect();
    for file in files("templates/stacks").iter().filter(|file| file.ends_with("stack.toml")) {
        let name = file.parent().unwrap().file_name().unwrap().to_str().unwrap();
        // Files alone, and commands of one's own, are of no language.
        if !super::support::stacks().any(|stack| stack == name) {
            continue;
        }
        let stack = toml::Value::Table(toml(file));
        words.insert(file.parent().unwrap().file_name().unwrap().to_str().unwrap().to_owned());
        words.extend(at(&stack, &["title"]));
        words.extend(at(&stack, &["managers"]));
        let manifests = at(&stack, &["manifests"]);
        words.extend(manifests.iter().filter_map(|glob| glob.rsplit('/').next()).map(ToOwned::to_owned));
    }
    // What holds for every language is of no ecosystem.
    for file in files("templates/ecosystem").iter().filter(|file| !file.ends_with("system.toml")) {
        let facts = toml::Value::Table(toml(file));
        let of = |path: &[&str]| at(&facts, path);
        let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
        words.extend([name].into_iter().filter(|name| name != "others"));
        words.extend(of(&["managers"]));
        // Shorter ones, as `ld`, are as well a part of other words.
        words.extend(of(&["tools", "*"]).into_iter().filter(|program| program.len() > 2));
        words.extend(
            of(&["managers", "*", "programs"]).iter().map(|program| program.trim_start_matches("./").to_owned()),
        );
        for kind in ["packages", "environments", "bytecode"] {
            words.extend(of(&["folders", kind]));
        }
        words.extend(of(&["endings", "*"]).into_iter().filter(|end| end.len() > 1).map(|end| format!(".{end}")));
        words.extend(of(&["tests", "files"]));
        words.extend(of(&["locks", "names"]));
        words.extend(of(&["runtimes", "libraries"]).iter().map(|name| name.trim_end_matches(".so").to_owned()));
        words.extend(of(&["runtimes", "libraries", "*"]));
        words.extend(of(&["runtimes", "run-source"]));
        words.extend(of(&["images", "programs"]));
    }
    // One letter is any letter.
    words.into_iter().filter(|word| !word.contains('*') && word.len() > 1).map(|word| word.to_lowercase()).collect()
}

/// The code of a file, without its tests, which come last in it.
fn code(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text)
}

/// The files of src that are tests as a whole: those that a parent declares so.
fn test_files(sources: &BTreeMap<PathBuf, String>) -> BTreeSet<PathBuf> {
    let declared = sources.iter().flat_map(|(path, text)| {
        let names =
            text.split("#[cfg(test)]\nmod ").skip(1).filter_map(|rest| rest.split_once(';').map(|(name, _)| name));
        names.map(move |name| path.parent().unwrap().join(format!("{name}.rs")))
    });
    declared.filter(|path| sources.contains_key(path)).collect()
}

/// The lines of a file's code that say a word, and the words.
fn knowing(text: &str, words: &BTreeSet<String>) -> BTreeMap<usize, BTreeSet<String>> {
    let mut found: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
    for (line, token) in tokens(code(text)) {
        let (said, whole) = match token {
            // What cargo itself tells a crate.
            Token::Text(text) if text.trim_start_matches('$').starts_with("CARGO_") => continue,
            Token::Text(text) => (said(text), text.trim().to_lowercase()),
            Token::Name(name) => (named(name), String::new()),
        };
        let known = said.intersection(words).filter(|word| !HOMONYMS.contains(&word.as_str()) || **word == whole);
        let known: BTreeSet<String> = known.cloned().collect();
        if !known.is_empty() {
            found.entry(line).or_default().extend(known);
        }
    }
    found
}

#[test]
fn no_rust_code_knows_an_ecosystem() {
    let sources: BTreeMap<PathBuf, String> = files("src")
        .into_iter()
        .filter(|path| path.extension().is_some_and(|kind| kind == "rs"))
        .map(|path| (path.clone(), std::fs::read_to_string(path).unwrap()))
        .collect();
    let (tests, words) = (test_files(&sources), words());
    let mut lines = Vec::new();
    for (path, text) in sources.iter().filter(|(path, _)| !tests.contains(*path)) {
        if path.iter().any(|folder| folder == FORMATS) {
            continue;
        }
        let shown = path.strip_prefix(repository()).unwrap().display();
        let known = knowing(text, &words);
        lines.extend(known.iter().map(|(line, known)| format!("{shown}:{line} knows {known:?}")));
    }
    assert!(lines.is_empty(), "{} lines know an ecosystem:\n{}", lines.len(), lines.join("\n"));
}

#[test]
fn the_words_are_those_of_the_data() {
    let words = words();
    for word in [
        "python",
        "pip",
        "uv",
        "node",
        "npm",
        "yarn",
        "pnpm",
        "rust",
        "cargo",
        "rustc",
        "go",
        "gcc",
        "java",
        "maven",
        "mvn",
        "ruby",
        "php",
        "node_modules",
        "site-packages",
        "__pycache__",
        ".venv",
        "requirements",
        "package.json",
        "pyproject.toml",
        "cargo.toml",
        "go.mod",
        "pom.xml",
        "libpython",
        ".py",
        ".tsx",
        "pytest",
        "golang",
    ] {
        assert!(words.contains(word), "{word}");
    }
    assert!(HOMONYMS.iter().all(|word| words.contains(*word)), "a homonym that is no word of the data");
}

#[test]
fn a_word_is_seen_wherever_it_stands() {
    let words = words();
    for code in [
        "let a = \"pip\";",
        "\"run `npm ci` first\"",
        "\"/srv/node_modules/\"",
        "\"orders/app.py\"",
        "r#\"FROM python3.13-slim\"#",
        "fn cargo_home() {}",
        "LockFormat::Uv",
        "let isPython = 1;",
        "\"go\"",
        "'\"'; \"\\\"\"; \"Node.js\"",
    ] {
        assert_eq!(knowing(code, &words).len(), 1, "{code}");
    }
    assert_eq!(knowing("'\\''; '\u{1f}';\n\"\\\\\";\n\"npm\"", &words).into_keys().collect::<Vec<_>>(), [3]);
    for code in [
        "// pip and npm",
        "let node = tree.node();",
        "\"it goes on: go there\"",
        "\"a pipe\"",
        "fn pipe<'a>(text: &'a str) {}",
        "\"{:?}\" // \"npm\"",
        "#[cfg(test)]\nmod tests {\n    const A: &str = \"npm\";\n}\n",
    ] {
        assert_eq!(knowing(code, &words), BTreeMap::new(), "{code}");
    }
}
