//! `.dockerignore`, with the semantics of moby/patternmatcher: the last pattern that matches a file, or a
//! folder above it, decides.

use super::pattern::{IgnorePattern, clean, pattern};

/// A parsed ignore file; the default ignores nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ignore {
    patterns: Vec<IgnorePattern>,
    text: String,
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

#[cfg(test)]
mod tests {
    use super::*;

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
        assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
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
