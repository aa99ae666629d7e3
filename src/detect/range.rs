//! Versions as manifests of all languages write them: which of the versions that there are is meant.

use std::cmp::Ordering;

use crate::stacks::Range;

type Numbers = [u64; 3];

/// From the first, which is in it, to the second, which is not.
#[derive(Debug, Clone, Copy)]
struct Span(Numbers, Numbers);

const END: Numbers = [u64::MAX; 3];

/// The version that `wanted` means: itself, if it is one; else one of `versions` (lowest first), or the range's own floor where none fits.
pub(super) fn version(wanted: &str, versions: &[String], range: Range) -> Option<String> {
    let wanted = wanted.trim().trim_matches(['"', '\'']);
    let bare = wanted.trim_start_matches(['v', '=', ' ']);
    let exact = !bare.is_empty() && bare.chars().all(|c| c.is_ascii_digit() || c == '.') && !bare.ends_with('.');
    if exact {
        return Some(bare.to_owned());
    }
    let spans: Vec<Span> = wanted.split("||").flat_map(|part| part.split(" or ")).filter_map(span).collect();
    let spans: Vec<Span> = if spans.is_empty() { return None } else { spans };
    let fits = |version: &&String| {
        numbers(version).is_some_and(|(low, count)| {
            let high = next(low, count);
            spans.iter().any(|span| span.0 < high && low < span.1)
        })
    };
    let mut fitting = versions.iter().filter(fits);
    let chosen = match range {
        Range::Floor => fitting.next(),
        Range::Newest => fitting.next_back(),
    };
    // The floor of the range, as it is written, is a version of its own where none of ours is in it.
    chosen.cloned().or_else(|| {
        let lowest = spans.iter().map(|span| span.0).min()?;
        let shown = |count: usize| lowest[..count].iter().map(u64::to_string).collect::<Vec<_>>().join(".");
        (lowest > [0; 3]).then(|| if lowest[1] == 0 && lowest[2] == 0 { shown(1) } else { shown(2) })
    })
}

/// What all comparisons of a text have in common.
fn span(text: &str) -> Option<Span> {
    let text = text.trim();
    // Maven's and NuGet's intervals.
    let text = text.trim_start_matches(['[', '(']);
    let interval = text.ends_with([']', ')']);
    let text = text.trim_end_matches([']', ')']);
    if interval && let Some((low, high)) = text.split_once(',') {
        let low = numbers(low.trim()).map_or([0; 3], |(low, _)| low);
        return Some(Span(low, numbers(high.trim()).map_or(END, |(high, _)| high)));
    }
    if let Some((low, high)) = text.split_once(" - ") {
        let (high, count) = numbers(high)?;
        return Some(Span(numbers(low)?.0, next(high, count)));
    }
    let mut all = Span([0; 3], END);
    let mut any = false;
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit() || c == '*' || c == 'x') {
        let operator: String = rest[..start].chars().filter(|c| "<>=~^!".contains(*c)).collect();
        let end = rest[start..]
            .find(|c: char| c == ',' || c == ' ' || c == '|' || "<>=~^!".contains(c))
            .map_or(rest.len(), |end| start + end);
        let one = comparison(&operator, &rest[start..end]);
        rest = &rest[end..];
        let Some(one) = one else { continue };
        any = true;
        all = Span(all.0.max(one.0), all.1.min(one.1));
    }
    (any && all.0.cmp(&all.1) == Ordering::Less).then_some(all)
}

fn comparison(operator: &str, text: &str) -> Option<Span> {
    let wild = text.contains(['*', 'x']);
    let (low, count) = match numbers(text) {
        Some(found) => found,
        None if wild => return Some(Span([0; 3], END)),
        None => return None,
    };
    Some(match operator {
        ">=" | "=>" => Span(low, END),
        ">" => Span(next(low, count), END),
        "<" => Span([0; 3], low),
        "<=" => Span([0; 3], next(low, count)),
        "!=" => return None,
        "^" if low[0] == 0 => Span(low, next(low, 2)),
        "^" => Span(low, next(low, 1)),
        // Python's and Ruby's: all but the last number stays; npm's and Composer's `~1.2` is between them.
        "~>" | "~=" if count > 1 => Span(low, next(low, count - 1)),
        "~" | "~>" | "~=" => Span(low, next(low, count.min(2))),
        _ => Span(low, next(low, count)),
    })
}

/// The numbers of a version, and how many there are.
fn numbers(text: &str) -> Option<(Numbers, usize)> {
    let mut numbers = [0; 3];
    let mut count = 0;
    for (index, part) in text.trim().trim_start_matches('v').split('.').take(3).enumerate() {
        let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
        let Ok(number) = digits.parse() else { break };
        numbers[index] = number;
        count = index + 1;
    }
    (count > 0).then_some((numbers, count))
}

/// The first version behind those that begin with so many numbers.
fn next(mut numbers: Numbers, count: usize) -> Numbers {
    numbers[count - 1] = numbers[count - 1].saturating_add(1);
    numbers[count..].fill(0);
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_all_languages_lead_to_a_version() {
        let node: Vec<String> = ["16", "18", "20", "22", "24"].map(ToOwned::to_owned).into();
        let python: Vec<String> = ["3.8", "3.9", "3.10", "3.11", "3.12", "3.13"].map(ToOwned::to_owned).into();
        for (wanted, expected) in [
            (">=18", "24"),
            ("^18.2.0", "18"),
            ("18.x", "18"),
            ("~20.1", "20"),
            ("^18 || ^20", "20"),
            (">=16 <21", "20"),
            ("*", "24"),
            ("v20.11.1", "20.11.1"),
            (">= 18.0.0", "24"),
            ("18 - 20", "20"),
            (">=18.17.0 <19 || >=20", "24"),
            ("14.x", "14"),
            ("20", "20"),
        ] {
            assert_eq!(version(wanted, &node, Range::Newest).as_deref(), Some(expected), "{wanted}");
        }
        for (wanted, expected) in [
            (">=3.9", "3.9"),
            ("^3.11", "3.11"),
            (">=3.10,<4.0", "3.10"),
            ("~=3.12", "3.12"),
            ("==3.11.*", "3.11"),
            ("3.12.4", "3.12.4"),
            ("~3.10", "3.10"),
            (">=3.9, !=3.9.7", "3.9"),
            (">3.10", "3.11"),
            ("3.6.*", "3.6"),
            ("[3.9,)", "3.9"),
            (">=3.11.4", "3.11"),
        ] {
            assert_eq!(version(wanted, &python, Range::Floor).as_deref(), Some(expected), "{wanted}");
        }
        for wanted in ["", "latest", "lts/iron", "${VERSION}"] {
            assert_eq!(version(wanted, &node, Range::Newest), None, "{wanted}");
        }
    }
}
