//! Texts that come from outside, before a person, a terminal or a runner of CI reads them.

use std::borrow::Cow;

/// A text without terminal sequences, without characters that XML cannot hold and without those that turn a line around
/// (CVE-2021-42574); tabs and line feeds stay. Nothing in it is a command to a runner any more.
#[must_use]
pub fn plain(text: &str) -> String {
    let text = anstream::adapter::strip_str(text).to_string();
    let turns = |c: char| matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    let keep =
        |c: &char| matches!(c, '\t' | '\n') || !(c.is_control() || turns(*c) || matches!(c, '\u{FFFE}' | '\u{FFFF}'));
    without_commands(&text.chars().filter(keep).collect::<String>())
}

/// As [`plain`], on one line.
#[must_use]
pub fn plain_line(text: &str) -> String {
    plain(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// GitHub's runner takes `::name::` at the beginning of a line for a command, and `##[name]` anywhere; others take `##vso[` and
/// `##teamcity[` (actions/runner, `ActionCommand.cs`).
fn without_commands(text: &str) -> String {
    let apart = |line: &str| {
        let indent = line.len() - line.trim_start().len();
        let (before, rest) = line.split_at(indent);
        let line = if rest.starts_with("::") { format!("{before}: {}", &rest[1..]) } else { line.to_owned() };
        let Some(at) = line.find("##") else { return line };
        line[..at].to_owned() + &line[at..].replace("##", "# #").replace("##", "# #")
    };
    if !text.contains("::") && !text.contains("##") {
        return text.to_owned();
    }
    text.split('\n')
        .map(|line| if is_command(line) { apart(line) } else { line.to_owned() })
        .collect::<Vec<_>>()
        .join("\n")
}

fn is_command(line: &str) -> bool {
    let named = |rest: &str| {
        let name = rest.trim_start_matches('#').trim_start_matches(|c: char| c.is_ascii_alphanumeric());
        name.starts_with('[')
    };
    line.trim_start().starts_with("::") || line.match_indices("##").any(|(at, _)| named(&line[at + 2..]))
}

/// A JSON document in which no text is a command to a runner.
#[must_use]
pub fn json_without_commands(json: &str) -> Cow<'_, str> {
    // Two of them are nowhere but in strings.
    if json.contains("##") { Cow::Owned(json.replace("##", "#\\u0023")) } else { Cow::Borrowed(json) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_acts_on_who_reads() {
        for (text, expected) in [
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("a\0b\u{8}c\u{FFFF}d\u{85}e", "abcde"),
            ("a\u{202E}b", "ab"),
            ("a\tb\nc\r\n", "a\tb\nc\n"),
            ("\u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{1b}\\ 🦀", "link 🦀"),
            ("x\n  ::error::y", "x\n  : :error::y"),
            ("a::b", "a::b"),
            ("log ##[set-env name=A]b", "log # #[set-env name=A]b"),
            ("###[group]x", "# # #[group]x"),
            ("####[group]x", "# # # #[group]x"),
            ("##vso[task.x]", "# #vso[task.x]"),
            ("## a heading", "## a heading"),
            ("\r::stop-commands::x", ": :stop-commands::x"),
        ] {
            let found = plain(text);
            assert_eq!(found, expected, "{text:?}");
            assert!(!is_command(&found), "{found}");
        }
        assert_eq!(plain_line(" a\n  b "), "a b");
        let json = json_without_commands(r###"{"a": "##[x] # ###"}"###);
        let back: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert!(!json.contains("##") && back["a"] == "##[x] # ###");
    }
}
