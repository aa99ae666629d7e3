//! Words of a Dockerfile line: flags, JSON arrays, quotes and variables.

/// The first word and the rest, without the blanks between.
pub(super) fn keyword(line: &str) -> (&str, &str) {
    let line = line.trim_start();
    let end = line.find(char::is_whitespace).unwrap_or(line.len());
    (&line[..end], line[end..].trim())
}

/// The leading `--name[=value]` words, and the rest; as `BuildKit`, a lone `--` ends them.
pub(super) fn flags(mut rest: &str, escape: char) -> (Vec<String>, &str) {
    let mut found = Vec::new();
    loop {
        rest = rest.trim_start();
        if !rest.starts_with("--") {
            return (found, rest);
        }
        let end = word_end(rest, escape);
        let word = &rest[..end];
        rest = &rest[end..];
        if word == "--" {
            return (found, rest.trim_start());
        }
        found.push(word.to_owned());
    }
}

/// Where the first word ends; quotes and escapes hold blanks inside of a word.
fn word_end(text: &str, escape: char) -> usize {
    let mut quote = None;
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match quote {
            Some(open) if c == open => quote = None,
            Some('"') | None if c == escape => {
                chars.next();
            }
            None if c == '"' || c == '\'' => quote = Some(c),
            None if c.is_whitespace() => return at,
            _ => {}
        }
    }
    text.len()
}

/// Words with their quotes kept (ENV, LABEL, ARG).
pub(super) fn split_quoted(mut text: &str, escape: char) -> Vec<String> {
    let mut found = Vec::new();
    loop {
        text = text.trim_start();
        if text.is_empty() {
            return found;
        }
        let end = word_end(text, escape);
        found.push(text[..end].to_owned());
        text = &text[end..];
    }
}

/// A JSON array of strings, the exec form; `None` if the text is not exactly that, so that it is a shell
/// line as for `BuildKit`.
pub(super) fn json_array(text: &str) -> Option<Vec<String>> {
    let text = text.trim();
    if !text.starts_with('[') {
        return None;
    }
    serde_json::from_str(text).ok()
}

/// Expands `$NAME`, `${NAME}`, `${NAME:-word}`, `-`, `:+`, `+`, `:?`, `?` and takes quotes and escapes off,
/// as `BuildKit` does for every instruction but RUN, CMD and ENTRYPOINT (Dockerfile reference,
/// "Environment replacement"). What `lookup` does not know stays as `${NAME}`, and so do the newer
/// pattern forms (`${NAME#pattern}`, `${NAME/a/b}`), so that nothing is guessed.
pub fn expand(text: &str, escape: char, lookup: &dyn Fn(&str) -> Option<String>) -> String {
    let expanded = nested(text, escape, lookup, 0);
    // Arguments that name each other twice would fill any memory; nobody means such a value.
    if expanded.len() > LONGEST { text.to_owned() } else { expanded }
}

/// So many bytes a value may grow to: the longest that Linux gives a process (`execve(2)`, `MAX_ARG_STRLEN`).
const LONGEST: usize = 1 << 17;

/// How deep defaults may hold defaults; what is deeper stays as it is.
const MAX_NESTING: usize = 32;

fn nested(text: &str, escape: char, lookup: &dyn Fn(&str) -> Option<String>, depth: usize) -> String {
    if depth > MAX_NESTING {
        return text.to_owned();
    }
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::new();
    let mut at = 0;
    let mut quote: Option<char> = None;
    while at < chars.len() {
        let c = chars[at];
        at += 1;
        if out.len() > LONGEST {
            return out;
        }
        match (c, quote) {
            ('\'' | '"', None) => quote = Some(c),
            (_, Some(open)) if c == open => quote = None,
            (_, Some('\'')) => out.push(c),
            (_, _) if c == escape && at < chars.len() => {
                // Inside double quotes only these can be escaped.
                if quote.is_some() && !matches!(chars[at], '"' | '$') && chars[at] != escape {
                    out.push(c);
                }
                out.push(chars[at]);
                at += 1;
            }
            ('$', _) => at = variable(&chars, at, (escape, depth), lookup, &mut out),
            _ => out.push(c),
        }
    }
    out
}

/// One variable, `at` behind the `$`; appends it and says where it ends.
fn variable(
    chars: &[char],
    at: usize,
    (escape, depth): (char, usize),
    lookup: &dyn Fn(&str) -> Option<String>,
    out: &mut String,
) -> usize {
    let braced = chars.get(at) == Some(&'{');
    let start = if braced { at + 1 } else { at };
    let mut end = start;
    while end < chars.len() && (chars[end].is_ascii_alphanumeric() || chars[end] == '_') {
        end += 1;
    }
    let name: String = chars[start..end].iter().collect();
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        out.push('$');
        return at;
    }
    let known = lookup(&name);
    if !braced {
        out.push_str(&known.unwrap_or_else(|| format!("${{{name}}}")));
        return end;
    }
    let close = closing_brace(chars, end);
    let rest: String = chars[end..close.min(chars.len())].iter().collect();
    let after = (close + 1).min(chars.len());
    let (colon, operator) = match rest.strip_prefix(':') {
        Some(rest) => (true, rest),
        None => (false, rest.as_str()),
    };
    let set = known.clone().filter(|value| !colon || !value.is_empty());
    let word = || nested(&operator[1..], escape, lookup, depth + 1);
    match operator.chars().next() {
        None if rest.is_empty() && known.is_some() => out.push_str(&known.unwrap_or_default()),
        Some('-') => out.push_str(&set.unwrap_or_else(word)),
        Some('+') => out.push_str(&set.map(|_| word()).unwrap_or_default()),
        Some('?') if set.is_some() => out.push_str(&set.unwrap_or_default()),
        _ => out.extend(["${", &name, &rest, "}"]),
    }
    after
}

fn closing_brace(chars: &[char], from: usize) -> usize {
    let mut depth = 1;
    for (at, c) in chars.iter().enumerate().skip(from) {
        match c {
            '{' => depth += 1,
            '}' => {
                depth -= 1;
                if depth == 0 {
                    return at;
                }
            }
            _ => {}
        }
    }
    chars.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_expand_as_in_buildkit() {
        let lookup = |name: &str| match name {
            "A" => Some("a".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        for (text, expected) in [
            ("$A/${A}", "a/a"),
            ("${A:-x}${B:-x}${EMPTY:-x}${EMPTY-x}", "axx"),
            ("${A:+y}${B:+y}${EMPTY:+y}${EMPTY+y}", "yy"),
            ("${B:-${A}}", "a"),
            ("$B ${B}", "${B} ${B}"),
            ("${B#x} ${A%%.*}", "${B#x} ${A%%.*}"),
            ("'$A' \"$A\"", "$A a"),
            ("\\$A \"\\$A\"", "$A $A"),
            ("a$", "a$"),
            ("\"a b\"c", "a bc"),
        ] {
            assert_eq!(expand(text, '\\', &lookup), expected, "{text}");
        }
    }

    #[test]
    fn hostile_nesting_ends() {
        let text = format!("{}{}", "${B:-".repeat(9000), "}".repeat(9000));
        assert!(expand(&text, '\\', &|_| None).starts_with("${B:-"));
    }

    #[test]
    fn flags_end_where_the_command_begins() {
        assert_eq!(
            flags("--mount=type=cache,target=/x --network=none a --b", '\\'),
            (vec!["--mount=type=cache,target=/x".to_owned(), "--network=none".to_owned()], "a --b")
        );
    }
}
