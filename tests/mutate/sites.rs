//! Where in a text an operator can be applied: blocks, lines and instructions.

use std::ops::Range;

/// Lines of a file, from 1 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lines {
    pub(crate) first: usize,
    pub(crate) last: usize,
}

impl Lines {
    /// Those of a file that is new or changed as a whole; no line is better than another.
    pub(crate) fn all() -> Self {
        Self { first: 0, last: usize::MAX }
    }
}

/// Whether a file has instructions rather than lines.
pub(crate) fn is_dockerfile(file: &str) -> bool {
    file.to_lowercase().ends_with("dockerfile")
}

/// The number of the line in which an offset is.
pub(crate) fn line_of(text: &str, offset: usize) -> usize {
    text[..offset].matches('\n').count() + 1
}

/// A block of a text: `stage NAME` of a Dockerfile, `service NAME` of compose.yaml, `table NAME` of a TOML file, all of
/// it without a name. Blank lines and comments at its end belong to what follows. None if there is no such block.
pub(crate) fn block(text: &str, name: &str) -> Option<Range<usize>> {
    let Some((kind, name)) = name.split_once(' ') else { return Some(0..text.len()) };
    let begins = |line: &str| match kind {
        "stage" => {
            let line = line.to_lowercase();
            line.starts_with("from ") && line.ends_with(&format!(" as {name}"))
        }
        "service" => line == format!("  {name}:"),
        "table" => line == format!("[{name}]"),
        _ => panic!("no block is called {kind}"),
    };
    let ends = |line: &str| match kind {
        "stage" => line.starts_with("FROM ") || line.starts_with("from "),
        "service" => {
            line.starts_with(|c: char| !c.is_whitespace()) || (line.starts_with("  ") && !line.starts_with("   "))
        }
        _ => line.starts_with('['),
    };
    let (mut start, mut end, mut offset) = (None, 0, 0);
    for line in text.split_inclusive('\n') {
        let bare = line.trim_end();
        match start {
            None if begins(bare) => {
                start = Some(offset);
                end = offset + line.len();
            }
            Some(_) if ends(bare) && !bare.trim_start().starts_with('#') => break,
            Some(_) if !bare.is_empty() && !bare.trim_start().starts_with('#') => end = offset + line.len(),
            _ => {}
        }
        offset += line.len();
    }
    Some(start?..end)
}

/// The line at an offset, or in a Dockerfile the whole instruction, its end of line included.
pub(crate) fn step(text: &str, offset: usize, instructions: bool) -> Range<usize> {
    let mut start = text[..offset].rfind('\n').map_or(0, |end| end + 1);
    let continues = |line: &str| line.trim_end().ends_with('\\');
    if instructions {
        while start > 0 {
            let before = text[..start - 1].rfind('\n').map_or(0, |end| end + 1);
            if !continues(&text[before..start]) {
                break;
            }
            start = before;
        }
    }
    let mut end = start;
    for line in text[start..].split_inclusive('\n') {
        end += line.len();
        if !(instructions && continues(line)) {
            break;
        }
    }
    start..end
}

/// The lines that a finding may name when these were edited: those of the whole instruction in a Dockerfile, of which the
/// first stands for all.
pub(crate) fn nameable(text: &str, lines: Lines, instructions: bool) -> Lines {
    if !instructions || lines.first == 0 {
        return lines;
    }
    let offset = |number: usize| text.split_inclusive('\n').take(number.saturating_sub(1)).map(str::len).sum::<usize>();
    let step = step(text, offset(lines.first).min(text.len()), true);
    Lines { first: line_of(text, step.start), last: lines.last.max(line_of(text, step.end).saturating_sub(1)) }
}

#[test]
fn blocks_and_steps_are_found() {
    let text = "FROM a AS one\nRUN x \\\n && y\n\n# next\nFROM b AS two\nRUN z\n";
    assert_eq!(&text[block(text, "stage one").unwrap()], "FROM a AS one\nRUN x \\\n && y\n");
    assert_eq!(block(text, "stage three"), None);
    let middle = text.find("&& y").unwrap();
    assert_eq!(&text[step(text, middle, true)], "RUN x \\\n && y\n");
    assert_eq!(&text[step(text, middle, false)], " && y\n");
    assert_eq!(nameable(text, Lines { first: 3, last: 3 }, true), Lines { first: 2, last: 3 });
    let compose = "services:\n  dev:\n    a: 1\n\n  # of b\n  b:\n    c: 2\n\nvolumes:\n";
    assert_eq!(&compose[block(compose, "service dev").unwrap()], "  dev:\n    a: 1\n");
    assert_eq!(&compose[block(compose, "service b").unwrap()], "  b:\n    c: 2\n");
}
