//! `.env` and `env_file`: Compose's own format (spec 12 and 05, "`env_file`, Format"), which is neither
//! shell nor what `docker run --env-file` reads.

use std::collections::BTreeMap;

use super::interpolate::{ALL, Lookup, substitute};

/// Names and values in the order of the file; an error has its line and says why.
///
/// `outer` is asked before the file's own earlier names, as Compose does, and gives the value of a name
/// that stands alone on its line.
pub(super) fn parse(text: &str, outer: Lookup<'_>) -> Result<BTreeMap<String, String>, (usize, String)> {
    let mut found = BTreeMap::new();
    let mut size = 0;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
    let mut rest = text.as_str();
    loop {
        rest = rest.trim_start();
        let at = text.len() - rest.len();
        // Counted only for an error: for every entry it would be quadratic.
        let fault = |message| (text[..at].matches('\n').count() + 1, message);
        if rest.is_empty() {
            return Ok(found);
        }
        if rest.starts_with('#') {
            rest = after_line(rest);
            continue;
        }
        let (key, after, inherited) = key(rest).map_err(fault)?;
        rest = after;
        if inherited {
            if let Some(value) = outer(&key) {
                found.insert(key, value);
            }
            continue;
        }
        let lookup = |name: &str| outer(name).or_else(|| found.get(name).cloned());
        let (value, after) = value(rest, &lookup).map_err(fault)?;
        rest = after;
        size += value.len();
        if size > ALL {
            return Err(fault(format!("the values of this file grow to more than {} MiB", ALL >> 20)));
        }
        found.insert(key, value);
    }
}

/// The `raw` format: what stands behind the first `=`, as it stands.
pub(super) fn parse_raw(text: &str) -> BTreeMap<String, String> {
    text.lines()
        .map(str::trim_start)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key.trim().to_owned(), value.to_owned()))
        .collect()
}

fn after_line(text: &str) -> &str {
    text.find('\n').map_or("", |end| &text[end + 1..])
}

/// The key, what comes after its `=` or `:`, and whether it stands alone.
fn key(text: &str) -> Result<(String, &str, bool), String> {
    let text = match text.strip_prefix("export") {
        Some(rest) if rest.starts_with([' ', '\t']) => rest.trim_start_matches([' ', '\t']),
        _ => text,
    };
    for (at, c) in text.char_indices() {
        match c {
            '=' | ':' | '\n' => {
                let key = text[..at].trim_end();
                if key.contains([' ', '\t']) {
                    return Err(format!("the name `{key}` contains a blank"));
                }
                let rest = text[at + 1..].trim_start_matches([' ', '\t', '\r']);
                return Ok((key.to_owned(), rest, c == '\n'));
            }
            ' ' | '\t' | '\r' | '_' | '.' | '-' | '[' | ']' => {}
            c if c.is_alphanumeric() => {}
            c => return Err(format!("a variable's name cannot contain `{c}`")),
        }
    }
    Ok((text.trim_end().to_owned(), "", true))
}

fn value<'a>(text: &'a str, lookup: Lookup<'_>) -> Result<(String, &'a str), String> {
    let expand = |text: &str| substitute(text, lookup, &mut |_| {}).map_err(|refused| refused.message);
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''));
    let Some(quote) = quote else {
        let end = text.find('\n').unwrap_or(text.len());
        let line = &text[..end];
        let bare = line.find(" #").map_or(line, |comment| &line[..comment]);
        return Ok((expand(bare.trim_end())?, &text[end..]));
    };
    let mut chars = text.char_indices().skip(1);
    let mut inside = String::new();
    while let Some((at, c)) = chars.next() {
        if c == quote {
            let value = if quote == '"' { expand(&escapes(&inside))? } else { inside };
            return Ok((value, &text[at + 1..]));
        }
        if c == '\\' {
            match chars.next() {
                Some((_, next)) if next == quote => inside.push(next),
                Some((_, next)) => inside.extend(['\\', next]),
                None => inside.push('\\'),
            }
        } else {
            inside.push(c);
        }
    }
    Err("the quoted value is not closed".to_owned())
}

/// The escapes of a double-quoted value.
fn escapes(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        let simple = match chars.peek() {
            Some('a') => "\u{7}",
            Some('b') => "\u{8}",
            Some('f') => "\u{c}",
            Some('n') => "\n",
            Some('r') => "\r",
            Some('t') => "\t",
            Some('v') => "\u{b}",
            Some('"') => "\"",
            Some('\\') => "\\",
            // The substitution after this takes `$$` for a plain dollar sign.
            Some('$') => "$$",
            _ => {
                out.push(c);
                continue;
            }
        };
        chars.next();
        out.push_str(simple);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_comments_and_variables() {
        let outer = |name: &str| (name == "HOME").then(|| "/root".to_owned());
        let text = "\
# a comment
export A=1
B = two words   # comment
C='single $A \\' # kept'
D=\"double $A ${HOME} \\$A \\n|\"
E=x#y
F: yaml
HOME
G=${A:-no}${NO:-yes}
H=
I=\"two
lines\"
J=\"a\\\"b\"

NOT_SET
";
        let found = parse(text, &outer).unwrap();
        let expected = [
            ("A", "1"),
            ("B", "two words"),
            ("C", "single $A ' # kept"),
            ("D", "double 1 /root $A \n|"),
            ("E", "x#y"),
            ("F", "yaml"),
            ("G", "1yes"),
            ("H", ""),
            ("HOME", "/root"),
            ("I", "two\nlines"),
            ("J", "a\"b"),
        ];
        let found: Vec<_> = found.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn values_that_double_are_refused_before_they_fill_the_memory() {
        let doubling: Vec<String> = (1..40).map(|at| format!("A{at}=$A{0}$A{0}\n", at - 1)).collect();
        let why = parse(&format!("A0=0123456789\n{}", doubling.concat()), &|_| None).unwrap_err();
        assert!(why.0 > 15 && why.1.contains("MiB"), "{why:?}");
        let many: Vec<String> = (0..200).map(|at| format!("B{at}=$LONG\n")).collect();
        let why = parse(&many.concat(), &|_| Some("x".repeat(400_000))).unwrap_err();
        assert!(why.0 < 100 && why.1.contains("32 MiB"), "{why:?}");
    }

    #[test]
    fn what_is_wrong_has_its_line() {
        for (text, line) in [("A=1\nB C=2\n", 2), ("\n\nA='x\n", 3), ("A=1\n%=2\n", 2), ("A=${", 1)] {
            assert_eq!(parse(text, &|_| None).unwrap_err().0, line, "{text}");
        }
    }
}
