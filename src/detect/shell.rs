//! Lines and scripts of a shell, as far as it takes to see what they run.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

/// The part of a script that its first argument names, and the other arguments: a function of that name, or an arm of a `case`.
pub(super) fn section<'a>(script: &str, arguments: &'a str) -> Option<(String, &'a str)> {
    let (word, rest) = arguments.split_once(' ').unwrap_or((arguments, ""));
    if word.is_empty() || !word.chars().all(|c| c.is_alphanumeric() || "_-:".contains(c)) {
        return None;
    }
    let lines: Vec<&str> = script.lines().map(str::trim).collect();
    let opens = |line: &str| {
        let line = line.trim_start_matches("function ").trim_end();
        line.strip_prefix(word).is_some_and(|rest| matches!(rest.trim_start().trim_end_matches('{').trim_end(), "()"))
    };
    let arm = |line: &str| {
        line.split_once(')')
            .is_some_and(|(names, _)| names.split('|').any(|name| name.trim().trim_matches(['"', '\'', '(']) == word))
    };
    let (start, end) = match lines.iter().position(|line| opens(line)) {
        Some(start) => (start + 1, "}"),
        None => (lines.iter().position(|line| arm(line))?, ";;"),
    };
    let ends = |line: &&str| if end == "}" { *line == end } else { line.ends_with(end) };
    let length = lines[start..].iter().position(ends).map_or(lines.len() - start, |length| length + 1);
    let mut body: Vec<&str> = lines[start..start + length].to_vec();
    if end == ";;" {
        body[0] = body[0].split_once(')').map_or("", |(_, command)| command);
    }
    Some((body.join("\n"), rest))
}

/// Shells, which run what follows.
pub(super) const SHELLS: &[&str] = &["sh", "bash", "ash", "dash"];

/// Whether a file is called as scripts are.
pub(super) fn is_script(path: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, ending)| SHELLS.contains(&ending))
}

/// Lines of a shell script that run nothing by themselves.
pub(super) fn is_grammar(line: &str) -> bool {
    const WORDS: &[&str] = &[
        "if", "then", "else", "elif", "fi", "for", "do", "done", "while", "until", "case", "esac", "function", "in",
        "return", "exit", "trap", "local", "{", "}", ")", "(",
    ];
    let first = line.split([' ', ';', '\t']).next().unwrap_or_default();
    let assigns = first
        .split_once('=')
        .is_some_and(|(name, _)| name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '+'))
        && !line.trim().contains(' ');
    line.is_empty()
        || WORDS.contains(&first)
        || line.ends_with("() {")
        || line.ends_with("(){")
        || (line.ends_with(')') && !line.contains('('))
        || assigns
}

/// Whether every quote of a command is closed (POSIX.1-2024, Shell Command Language, 2.2 and 2.3: a `#` that begins a word
/// begins a comment).
pub(super) fn is_closed(command: &str) -> bool {
    let mut open = None;
    let mut chars = command.chars();
    let mut before = ' ';
    while let Some(c) = chars.next() {
        match (open, c) {
            (None | Some('"'), '\\') => drop(chars.next()),
            (None, '\'' | '"') => open = Some(c),
            (None, '#') if before.is_whitespace() || ";&|(".contains(before) => drop(chars.find(|c| *c == '\n')),
            (Some(quote), _) if quote == c => open = None,
            _ => {}
        }
        before = c;
    }
    open.is_none()
}

/// The command of `sh -c COMMAND`.
pub(super) fn unwrapped(raw: &str) -> String {
    let text = raw.trim();
    let (first, rest) = text.split_once(' ').unwrap_or((text, ""));
    if SHELLS.contains(&first.rsplit('/').next().unwrap_or_default()) {
        let rest = rest.trim_start();
        let (flag, command) = rest.split_once(' ').unwrap_or((rest, ""));
        if flag.starts_with('-') && flag.ends_with('c') {
            let command = command.trim();
            let inner = |mark: char| command.strip_prefix(mark).and_then(|rest| rest.strip_suffix(mark));
            let command =
                inner('\'').map(|inner| inner.replace("'\\''", "'")).or_else(|| inner('"').map(ToOwned::to_owned));
            return command
                .unwrap_or_else(|| rest.split_once(' ').map_or(String::new(), |(_, command)| command.to_owned()));
        }
    }
    text.to_owned()
}

/// A command of a script with what the script assigns to its variables, outside of its branches.
pub(super) fn assigned(script: &str, command: &str) -> String {
    let mut known: BTreeMap<&str, String> = BTreeMap::new();
    for line in script.lines() {
        let line = line.strip_prefix("export ").unwrap_or(line).trim_end();
        let Some((name, value)) = line.split_once('=') else { continue };
        let value = value.trim_matches('"');
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if is_name && !value.is_empty() && !value.contains(['`', '(', ' ', '\'', '"', ';', '&', '|']) {
            let value = replaced(value, &known);
            known.insert(name, value);
        }
    }
    replaced(command, &known)
}

/// A text with values in place of `$NAME` and `${NAME}`; others stay.
fn replaced(text: &str, known: &BTreeMap<&str, String>) -> String {
    static VARIABLE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\$(?:\{(\w+)\}|(\w+))").expect("it is written here, and a test uses it"));
    let value = |found: &regex::Captures<'_>| {
        let name = found.get(1).or(found.get(2)).map_or("", |name| name.as_str());
        known.get(name).map_or_else(|| found[0].to_owned(), Clone::clone)
    };
    VARIABLE.replace_all(text, value).into_owned()
}

/// The parts of a chain, outside of quotes and brackets.
pub(super) fn parts(text: &str) -> Vec<String> {
    let (mut found, mut now, mut quote, mut depth) = (Vec::new(), String::new(), None, 0_usize);
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match (quote, char) {
            (Some(mark), _) => {
                if char == mark {
                    quote = None;
                }
                now.push(char);
            }
            (None, '\'' | '"') => {
                quote = Some(char);
                now.push(char);
            }
            (None, '(' | '{') => {
                depth += 1;
                now.push(char);
            }
            (None, ')' | '}') => {
                depth = depth.saturating_sub(1);
                now.push(char);
            }
            (None, '&') if depth == 0 && chars.peek() == Some(&'&') => {
                chars.next();
                found.push(std::mem::take(&mut now));
            }
            (None, ';' | '\n') if depth == 0 => found.push(std::mem::take(&mut now)),
            (None, char) => now.push(char),
        }
    }
    found.push(now);
    let bare = |part: &str| part.strip_prefix('(').map_or(part, |inner| inner.trim_end_matches(')')).trim().to_owned();
    found.into_iter().map(|part| bare(part.trim())).filter(|part| !part.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_quote_is_seen() {
        for closed in [
            "node x.js",
            r#"node -e 'a("b")'"#,
            r#"a "it's""#,
            r"a \' b",
            r#"a "b\"c""#,
            r"a 'b\'",
            "a # don't",
            "a;# don't\nb",
        ] {
            assert!(is_closed(closed), "{closed}");
        }
        for open in ["node -e 'a", "a \"b", "it's", r#"a "b\"#, "a b#don't", "a # it's\nb 'c"] {
            assert!(!is_closed(open), "{open}");
        }
    }

    #[test]
    fn variables_of_a_script_have_the_values_that_it_assigns() {
        let script =
            "MODE=${MODE:-local}\nexport FILE=\"./config/${MODE}.yml\"\nif x; then\n  FILE=y\nfi\nNOW=`date`\n";
        for (command, expected) in [
            ("./server -config ${FILE}", "./server -config ./config/${MODE:-local}.yml"),
            ("run $FILE $FILES $NOW", "run ./config/${MODE:-local}.yml $FILES $NOW"),
            ("run $PORT", "run $PORT"),
        ] {
            assert_eq!(assigned(script, command), expected, "{command}");
        }
    }

    #[test]
    fn chains_are_taken_apart_outside_of_quotes() {
        for (text, expected) in [
            ("a && b; c", vec!["a", "b", "c"]),
            ("a 'x && y' && b", vec!["a 'x && y'", "b"]),
            ("a ${X:-1;2}", vec!["a ${X:-1;2}"]),
            ("", vec![]),
        ] {
            assert_eq!(parts(text), expected, "{text}");
        }
        for (raw, expected) in [
            ("sh -c 'a && b'", "a && b"),
            ("/bin/bash -lc \"a\"", "a"),
            ("sh run.sh", "sh run.sh"),
            ("sh -c a b", "a b"),
        ] {
            assert_eq!(unwrapped(raw), expected, "{raw}");
        }
    }
}
