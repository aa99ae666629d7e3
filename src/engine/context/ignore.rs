//! `.dockerignore`, with the semantics of moby/patternmatcher: the last pattern that matches a file, or a
//! folder above it, decides.

use crate::text;

/// A parsed ignore file; the default ignores nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ignore {
    patterns: Vec<Pattern>,
    text: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern {
    /// Whether it takes files back in (`!`).
    keeps: bool,
    /// The pattern as it was written, cleaned.
    text: String,
    form: Form,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    Exact,
    /// `text**`
    Prefix,
    /// `**text`
    Suffix,
    Tokens(Vec<Token>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Char(char),
    /// `?`: any character but the slash.
    One,
    /// `*`: any characters but the slash.
    Star,
    /// `**/`: nothing, or anything up to a slash.
    Folders,
    /// `**` at the end: anything.
    Rest,
    /// `[a-z]`, `[^a-z]`.
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

/// Which patterns matched a folder: its files need not be matched against them again.
#[derive(Debug, Clone, Default)]
pub(super) struct Matched(Vec<bool>);

impl Ignore {
    /// Reads an ignore file's text.
    ///
    /// # Errors
    /// For a pattern that cannot be read, with the reason.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        // A comment is one only at the very beginning of its line.
        let lines = text.lines().filter(|line| !line.starts_with('#')).map(str::trim).filter(|line| !line.is_empty());
        // What is left of `/!x` is read again, as `!x`: the CLI's reader and its matcher are two.
        let lines: Vec<String> =
            lines.map(|line| if line.starts_with('!') { line.to_owned() } else { clean(line) }).collect();
        let mut ignore = Self::from_patterns(lines.iter().map(String::as_str))?;
        text.clone_into(&mut ignore.text);
        Ok(ignore)
    }

    /// Reads patterns as they stand in the lines of an ignore file.
    pub(crate) fn from_patterns<'a>(patterns: impl Iterator<Item = &'a str>) -> Result<Self, String> {
        let patterns = patterns.map(str::trim).filter(|pattern| !pattern.is_empty());
        Ok(Self { patterns: patterns.map(pattern).collect::<Result<_, _>>()?, text: String::new() })
    }

    /// The text it was read from.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The same with another text.
    pub(crate) fn with_text(mut self, text: &str) -> Self {
        text.clone_into(&mut self.text);
        self
    }

    /// Whether nothing is ignored.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Whether a file or folder (relative, with slashes) is ignored, by itself or with a folder above it.
    #[must_use]
    pub fn is_ignored(&self, path: &str) -> bool {
        let mut above = Matched::default();
        let mut ignored = false;
        for (end, _) in path.match_indices('/').chain([(path.len(), "")]) {
            (ignored, above) = self.matches(&path[..end], &above);
        }
        ignored
    }

    /// Whether a file is ignored, given what matched the folder it is in.
    pub(super) fn matches(&self, path: &str, above: &Matched) -> (bool, Matched) {
        let mut ignored = false;
        let mut matched = Vec::with_capacity(self.patterns.len());
        for (index, pattern) in self.patterns.iter().enumerate() {
            // A pattern that would change nothing is not tried, and counts as not matching for what is
            // inside: this, too, is as moby does it.
            let hit =
                above.0.get(index).copied().unwrap_or(false) || (pattern.keeps == ignored && pattern.matches(path));
            matched.push(hit);
            if hit {
                ignored = !pattern.keeps;
            }
        }
        (ignored, Matched(matched))
    }

    /// Whether the docker CLI sends a file that [`Ignore::matches`] lets pass without its content: it asks another question
    /// when it opens it (patternmatcher's `MatchesOrParentMatches`, in fsutil's `filterFS.Open`), to which the answer is
    /// another where a later pattern leaves out a folder that an earlier one left out already, as in `*`, `!foo/*`, `fo*`.
    pub(super) fn empties(&self, path: &str) -> bool {
        if !self.patterns.iter().any(|pattern| pattern.keeps) {
            return false;
        }
        let above = || path.match_indices('/').map(|(end, _)| &path[..end]);
        self.patterns.iter().fold(false, |ignored, pattern| {
            let hit = pattern.keeps == ignored && (pattern.matches(path) || above().any(|one| pattern.matches(one)));
            if hit { !pattern.keeps } else { ignored }
        })
    }

    /// Whether something inside an ignored folder may be kept, so that it must be read.
    pub(super) fn may_keep_inside(&self, folder: &str) -> bool {
        self.patterns.iter().filter(|pattern| pattern.keeps).any(|pattern| {
            let fixed = &pattern.text[..pattern.text.find(['*', '?', '[', '\\']).unwrap_or(pattern.text.len())];
            let inside = format!("{folder}/");
            if fixed.len() == pattern.text.len() {
                fixed.starts_with(&inside)
            } else {
                fixed.starts_with(&inside) || inside.starts_with(fixed)
            }
        })
    }
}

impl Pattern {
    fn matches(&self, path: &str) -> bool {
        match &self.form {
            Form::Exact => path == self.text,
            Form::Prefix => path.starts_with(&self.text[..self.text.len() - 2]),
            Form::Suffix => {
                let suffix = &self.text[2..];
                path.ends_with(suffix) || suffix.strip_prefix('/') == Some(path)
            }
            Form::Tokens(tokens) => fits(tokens, path),
        }
    }
}

fn pattern(line: &str) -> Result<Pattern, String> {
    let (keeps, rest) = match line.strip_prefix('!') {
        Some(rest) => (true, rest.trim()),
        None => (false, line),
    };
    if rest.is_empty() {
        return Err(format!("`{line}` names nothing to keep"));
    }
    let text = clean(rest);
    let form = form(&text).map_err(|why| format!("`{line}`: {why}"))?;
    Ok(Pattern { keeps, text, form })
}

/// Go's `filepath.Clean`, and the leading slash away: patterns are relative to the context.
pub(super) fn clean(path: &str) -> String {
    let clean = text::clean(path);
    match clean.strip_prefix('/') {
        Some("") | None => clean,
        Some(inner) => inner.to_owned(),
    }
}

fn form(text: &str) -> Result<Form, String> {
    let mut chars = text.chars().peekable();
    let (mut tokens, mut form, mut first) = (Vec::new(), Form::Exact, true);
    while let Some(next) = chars.next() {
        match next {
            '*' if chars.peek() == Some(&'*') => {
                chars.next();
                let slash = chars.next_if_eq(&'/').is_some();
                if chars.peek().is_none() {
                    form = if form == Form::Exact && !slash { Form::Prefix } else { Form::Tokens(Vec::new()) };
                    tokens.push(Token::Rest);
                } else {
                    form = Form::Tokens(Vec::new());
                    // Twice is the same as once.
                    if tokens.last() != Some(&Token::Folders) {
                        tokens.push(Token::Folders);
                    }
                }
                if first {
                    form = Form::Suffix;
                }
            }
            '*' => {
                tokens.push(Token::Star);
                form = Form::Tokens(Vec::new());
            }
            '?' => {
                tokens.push(Token::One);
                form = Form::Tokens(Vec::new());
            }
            '[' => {
                tokens.push(class(&mut chars)?);
                form = Form::Tokens(Vec::new());
            }
            '\\' => {
                tokens.push(Token::Char(chars.next().ok_or("a backslash must be followed by a character")?));
                form = Form::Tokens(Vec::new());
            }
            next => tokens.push(Token::Char(next)),
        }
        first = false;
    }
    Ok(if matches!(form, Form::Tokens(_)) { Form::Tokens(tokens) } else { form })
}

fn class(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<Token, String> {
    let unclosed = || "a bracket is not closed".to_owned();
    let negated = chars.next_if_eq(&'^').is_some();
    let mut ranges = Vec::new();
    let one = |chars: &mut std::iter::Peekable<std::str::Chars<'_>>| match chars.next() {
        Some('\\') => chars.next().ok_or_else(unclosed),
        Some('-' | ']') => Err("a hyphen or bracket inside brackets needs a backslash".to_owned()),
        Some(one) => Ok(one),
        None => Err(unclosed()),
    };
    loop {
        if chars.peek() == Some(&']') && !ranges.is_empty() {
            chars.next();
            return Ok(Token::Class { negated, ranges });
        }
        let low = one(chars)?;
        let high = if chars.next_if_eq(&'-').is_some() { one(chars)? } else { low };
        if high < low {
            return Err(format!("the range {low}-{high} is upside down"));
        }
        ranges.push((low, high));
    }
}

/// Whether a path fits the tokens whole. All ways through the tokens are gone at once, one character after the other, so
/// that the time is at most that of tokens times characters.
fn fits(tokens: &[Token], path: &str) -> bool {
    let single = |token: &&Token| !matches!(token, Token::Star | Token::Folders | Token::Rest);
    if tokens.iter().filter(single).count() > path.chars().count() {
        return false;
    }
    let (mut now, mut next) = (Ways::of(tokens), Ways::of(tokens));
    now.enter(tokens, 0);
    for char in path.chars() {
        if now.rest || now.at.is_empty() {
            break;
        }
        next.clear();
        for (token, inside) in now.at.iter().copied() {
            let to = match tokens.get(token) {
                Some(Token::Char(one)) => (char == *one).then_some(token + 1),
                Some(Token::One) => (char != '/').then_some(token + 1),
                Some(Token::Class { negated, ranges }) => {
                    (ranges.iter().any(|(low, high)| (*low..=*high).contains(&char)) != *negated).then_some(token + 1)
                }
                Some(Token::Star) => (char != '/').then_some(token),
                Some(Token::Folders) if inside => {
                    next.push(token, true);
                    (char == '/').then_some(token + 1)
                }
                Some(Token::Folders | Token::Rest) | None => None,
            };
            if let Some(to) = to {
                next.enter(tokens, to);
            }
        }
        std::mem::swap(&mut now, &mut next);
    }
    now.rest || now.at.iter().any(|(token, _)| *token == tokens.len())
}

/// Where in the tokens a path may be.
struct Ways {
    /// The next token, and whether it is one for folders that has begun.
    at: Vec<(usize, bool)>,
    /// Which of them are there.
    seen: Vec<[bool; 2]>,
    /// Whether one has come to a token that takes all the rest.
    rest: bool,
}

impl Ways {
    fn of(tokens: &[Token]) -> Self {
        Self { at: Vec::new(), seen: vec![[false; 2]; tokens.len() + 1], rest: false }
    }

    fn clear(&mut self) {
        for (token, inside) in self.at.drain(..) {
            self.seen[token][usize::from(inside)] = false;
        }
    }

    fn push(&mut self, token: usize, inside: bool) -> bool {
        let seen = &mut self.seen[token][usize::from(inside)];
        let new = !*seen;
        if new {
            *seen = true;
            self.at.push((token, inside));
        }
        new
    }

    /// A way goes on with a token, and with those behind it as far as they may stand for nothing.
    fn enter(&mut self, tokens: &[Token], mut token: usize) {
        while self.push(token, false) {
            match tokens.get(token) {
                Some(Token::Rest) => {
                    self.rest = true;
                    return;
                }
                Some(Token::Folders) => {
                    self.push(token, true);
                }
                Some(Token::Star) => {}
                _ => return,
            }
            token += 1;
        }
    }
}

/// Whether a name fits a shell pattern without slashes, as Go's `filepath.Match`.
pub(super) fn fits_name(pattern: &str, name: &str) -> bool {
    match form(pattern) {
        Ok(Form::Tokens(tokens)) => fits(&tokens, name),
        Ok(_) => pattern == name,
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Go's patternmatcher would with a regular expression of the same meaning.
    #[test]
    fn tokens_mean_what_a_regular_expression_of_theirs_does() {
        let parts = ["a", "b", "/", "*", "**", "**/", "?", "[ab]", "[^a]"];
        let expression = |tokens: &[Token]| {
            let one = |token: &Token| match token {
                Token::Char(char) => regex::escape(&char.to_string()),
                Token::One => "[^/]".to_owned(),
                Token::Star => "[^/]*".to_owned(),
                Token::Folders => "(.*/)?".to_owned(),
                Token::Rest => ".*".to_owned(),
                Token::Class { negated: true, .. } => "[^a]".to_owned(),
                Token::Class { .. } => "[ab]".to_owned(),
            };
            regex::Regex::new(&format!("^{}$", tokens.iter().map(one).collect::<String>())).unwrap()
        };
        let paths = ["", "a", "b", "/", "ab", "a/b", "aab", "b/a/b", "a/a/a", "ba/ab", "//", "a//b"];
        let mut tried = 0;
        for index in 0..9_usize.pow(3) {
            let text: String = (0..3_u32).map(|place| parts[index / 9_usize.pow(place) % 9]).collect();
            let Ok(Form::Tokens(tokens)) = form(&text) else { continue };
            let expression = expression(&tokens);
            for path in paths {
                assert_eq!(fits(&tokens, path), expression.is_match(path), "{text} {path}");
                tried += 1;
            }
        }
        assert!(tried > 4_000, "{tried}");
    }

    #[test]
    fn hostile_patterns_take_no_time() {
        let start = std::time::Instant::now();
        let path = "a".repeat(200) + &"/a".repeat(50);
        for pattern in
            ["*a".repeat(100) + "b", "**/".repeat(100_000) + "b", "**/a".repeat(100) + "*b", "?".repeat(1 << 20)]
        {
            let ignore = Ignore::parse(&pattern).unwrap();
            assert!(!ignore.is_ignored(&path), "{}", &pattern[..4]);
        }
        assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
    }

    #[test]
    fn patterns_decide_as_the_docker_cli_does() {
        // (ignore file, ignored paths, kept paths)
        let table: &[(&str, &[&str], &[&str])] = &[
            ("foo", &["foo", "foo/bar", "foo/a/b"], &["a/foo", "foobar"]),
            ("foo/", &["foo", "foo/bar"], &["a/foo"]),
            ("/foo", &["foo", "foo/x"], &["a/foo"]),
            ("./foo", &["foo"], &["a/foo"]),
            ("a/../foo", &["foo"], &["a"]),
            ("*", &["foo", "a/b", ".git"], &[]),
            ("*.pyc", &["a.pyc", "a.pyc/b"], &["d/a.pyc"]),
            ("**/*.pyc", &["a.pyc", "d/a.pyc", "d/e/a.pyc"], &["a.py"]),
            ("**/foo", &["foo", "a/foo", "a/b/foo", "a/foo/c"], &["xfoo", "a/xfoo"]),
            ("**foo", &["foo", "xfoo", "a/xfoo"], &["foox"]),
            ("foo/**", &["foo/a", "foo/a/b"], &["foo", "food"]),
            ("foo**", &["foo", "food", "food/a"], &["fo"]),
            ("a/**/b", &["a/b", "a/x/b", "a/x/y/b"], &["a", "ab", "a/xb"]),
            ("**", &["a", "a/b"], &[]),
            ("a?c", &["abc"], &["ac", "a/c", "abbc"]),
            ("[a-c]x", &["ax", "cx"], &["dx", "x"]),
            ("[^a]x", &["bx"], &["ax"]),
            (r"\*x", &["*x"], &["ax"]),
            ("*\n!keep", &["a", "b/c"], &["keep", "keep/a"]),
            ("*\n!a/b", &["a", "a/c"], &["a/b", "a/b/c"]),
            ("a\n!a/b\na/b/c", &["a", "a/b/c", "a/b/c/d"], &["a/b", "a/b/d"]),
            ("*.md\n!README.md", &["a.md"], &["README.md"]),
            ("!x\nx", &["x"], &[]),
            ("# comment\n  \nfoo", &["foo"], &["# comment"]),
            (" # no comment", &["# no comment"], &["# comment"]),
            ("\u{feff}foo\r\nbar\r\n", &["foo", "bar"], &[]),
            ("  foo  ", &["foo"], &[]),
            ("! foo\nfoo", &["foo"], &[]),
            ("foo\n/!foo", &[], &["foo", "!foo"]),
            ("a.c", &["a.c"], &["abc"]),
            ("a+(b)", &["a+(b)"], &["ab"]),
            ("node_modules/**", &["node_modules/x"], &["node_modules"]),
            ("**/.git", &[".git", "a/.git/config"], &[".github"]),
            ("dir*/sub", &["dir1/sub/x"], &["dir1/x"]),
        ];
        for (text, ignored, kept) in table {
            let ignore = Ignore::parse(text).unwrap();
            for path in *ignored {
                assert!(ignore.is_ignored(path), "{text:?} should ignore {path}");
            }
            for path in *kept {
                assert!(!ignore.is_ignored(path), "{text:?} should keep {path}");
            }
        }
    }

    #[test]
    fn what_the_docker_cli_empties_is_known() {
        for (text, empty, whole) in [
            ("*\n!foo/*\nfo*", &["foo/a"][..], &[][..]),
            ("*\n!foo", &[], &["foo", "foo/a"]),
            ("foo\n!foo/a\n", &[], &["foo/a", "b"]),
        ] {
            let ignore = Ignore::parse(text).unwrap();
            assert!(empty.iter().all(|path| ignore.empties(path) && !ignore.is_ignored(path)), "{text:?}");
            assert!(!whole.iter().any(|path| ignore.empties(path)), "{text:?}");
        }
    }

    #[test]
    fn broken_patterns_are_told() {
        for text in ["!", "a[", "[z-a]", "a\\", "[]a]", "[-a]"] {
            assert!(Ignore::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn folders_are_entered_only_where_something_may_be_kept() {
        let ignore = Ignore::parse("*\n!src/lib").unwrap();
        assert!(ignore.may_keep_inside("src"));
        assert!(!ignore.may_keep_inside("target"));
        assert!(!Ignore::parse("*").unwrap().may_keep_inside("src"));
        assert!(Ignore::parse("*\n!**/x").unwrap().may_keep_inside("anything"));
        assert!(Ignore::parse("*\n!s*/x").unwrap().may_keep_inside("src"));
    }
}
