//! One pattern of an ignore file: how it is read, and which paths it fits.

use crate::text;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct IgnorePattern {
    /// Whether it takes files back in (`!`).
    pub(super) keeps: bool,
    /// The pattern as it was written, cleaned.
    pub(super) text: String,
    form: Form,
    /// The characters that every path begins and ends with that fits the tokens.
    ends: (String, String),
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

impl IgnorePattern {
    pub(super) fn matches(&self, path: &str) -> bool {
        match &self.form {
            Form::Exact => path == self.text,
            Form::Prefix => path.starts_with(&self.text[..self.text.len() - 2]),
            Form::Suffix => {
                let suffix = &self.text[2..];
                path.ends_with(suffix) || suffix.strip_prefix('/') == Some(path)
            }
            Form::Tokens(tokens) => {
                let (first, last) = &self.ends;
                path.starts_with(first.as_str())
                    && path.ends_with(last.as_str())
                    && by_tail(tokens, path).unwrap_or_else(|| fits(tokens, path))
            }
        }
    }
}

pub(super) fn pattern(line: &str) -> Result<IgnorePattern, String> {
    let (keeps, rest) = match line.strip_prefix('!') {
        Some(rest) => (true, rest.trim()),
        None => (false, line),
    };
    if rest.is_empty() {
        return Err(format!("`{line}` names nothing to keep"));
    }
    let text = clean(rest);
    let form = form(&text).map_err(|why| format!("`{line}`: {why}"))?;
    let ends = ends(&form);
    Ok(IgnorePattern { keeps, text, form, ends })
}

/// What is fixed at both ends of tokens.
fn ends(form: &Form) -> (String, String) {
    let Form::Tokens(tokens) = form else { return Default::default() };
    let fixed = |token: &Token| match token {
        Token::Char(c) => Some(*c),
        _ => None,
    };
    let last: Vec<char> = tokens.iter().rev().map_while(fixed).collect();
    (tokens.iter().map_while(fixed).collect(), last.into_iter().rev().collect())
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

/// What the last parts of a path say: most patterns begin with any folder, and most paths do not end as they do. None if that
/// does not decide.
fn by_tail(tokens: &[Token], path: &str) -> Option<bool> {
    let at = tokens.iter().rposition(|token| *token == Token::Folders)?;
    let tail = &tokens[at + 1..];
    // What fits a slash, too, may take any number of parts.
    if tail.iter().any(|token| matches!(token, Token::Rest | Token::Class { .. })) {
        return None;
    }
    let slashes = tail.iter().filter(|token| **token == Token::Char('/')).count();
    let before = path.rmatch_indices('/').nth(slashes);
    if before.is_none() && path.matches('/').count() < slashes {
        return Some(false);
    }
    let last = before.map_or(path, |(slash, _)| &path[slash + 1..]);
    match (fits(tail, last), at) {
        (false, _) => Some(false),
        (true, 0) => Some(true),
        (true, _) => None,
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
}
