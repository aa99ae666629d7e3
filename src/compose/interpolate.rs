//! Variables in values (spec 12, "Interpolation").

use super::fault::ComposeFault;
use super::yaml::{YamlNode, YamlValue};

/// How deep defaults may hold defaults: the reading is recursive.
const MAX_NESTING: usize = 32;

/// So many bytes a value may grow to, and all values of a file together: a few lines that name each other twice would else
/// fill any memory.
const LONGEST: usize = 1 << 20;
pub(super) const ALL: usize = 1 << 25;

/// Why a value cannot be made, and what to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) message: String,
    hint: &'static str,
}

impl From<String> for Refused {
    fn from(message: String) -> Self {
        Self { message, hint: "set the variable, in the environment or in .env; `$$` is a plain dollar sign" }
    }
}

/// What a variable's name stands for; `None`: not set.
pub(super) type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Puts the variables of every string of a tree in place. Keys are left alone, as Compose does.
/// `seen` is told of each variable: where, dotted path, name.
pub(super) fn tree(
    node: &mut YamlNode,
    path: &str,
    lookup: Lookup<'_>,
    seen: &mut dyn FnMut(&YamlNode, &str, &str),
) -> Result<(), ComposeFault> {
    let mut left = ALL;
    within(node, path, lookup, &mut left, seen)
}

/// As [`tree`]; `left` is how many bytes the values may still grow to.
fn within(
    node: &mut YamlNode,
    path: &str,
    lookup: Lookup<'_>,
    left: &mut usize,
    seen: &mut dyn FnMut(&YamlNode, &str, &str),
) -> Result<(), ComposeFault> {
    match &mut node.value {
        YamlValue::Text(text) if text.contains('$') => {
            let mut names = Vec::new();
            let result = substitute(text, lookup, &mut |name| names.push(name.to_owned()));
            for name in &names {
                seen(node, path, name);
            }
            let result = result.map_err(|refused| {
                ComposeFault::new(&node.place, format!("{path}: {}", refused.message)).hint(refused.hint)
            })?;
            *left = left.checked_sub(result.len()).ok_or_else(|| {
                ComposeFault::new(&node.place, format!("the values of this file grow to more than {} MiB", ALL >> 20))
            })?;
            node.value = YamlValue::Text(result);
        }
        YamlValue::List(items) => {
            for item in items {
                within(item, path, lookup, left, seen)?;
            }
        }
        YamlValue::Map(entries) => {
            for (key, value) in entries {
                let path = if path.is_empty() { key.text.clone() } else { format!("{path}.{}", key.text) };
                within(value, &path, lookup, left, seen)?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// Puts variables in place: `$A ${A} ${A:-b} ${A-b} ${A:?e} ${A?e} ${A:+b} ${A+b}`, nested in the words
/// behind the operators, and `$$`. What is not set is empty, with Compose's warning left to the caller.
pub(super) fn substitute(text: &str, lookup: Lookup<'_>, seen: &mut dyn FnMut(&str)) -> Result<String, Refused> {
    nested(text, lookup, seen, 0)
}

fn nested(text: &str, lookup: Lookup<'_>, seen: &mut dyn FnMut(&str), depth: usize) -> Result<String, Refused> {
    if depth > MAX_NESTING {
        return Err(format!("variables are nested deeper than {MAX_NESTING} levels").into());
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        if out.len() > LONGEST {
            let message = format!("the value grows to more than {} MiB", LONGEST >> 20);
            return Err(Refused { message, hint: "look for variables that name each other more than once" });
        }
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some(inside) = rest.strip_prefix('{') {
            let end = closing(inside).ok_or_else(|| format!("`${rest}` has no closing brace"))?;
            out.push_str(&braced(&inside[..end], lookup, seen, depth)?);
            rest = &inside[end + 1..];
        } else {
            let end = name_end(rest);
            // Compose leaves a dollar sign alone that begins nothing: `$1`, `$.`.
            if end == 0 {
                out.push('$');
                continue;
            }
            seen(&rest[..end]);
            out.push_str(&lookup(&rest[..end]).unwrap_or_default());
            rest = &rest[end..];
        }
    }
    out.push_str(rest);
    Ok(out)
}

fn braced(inside: &str, lookup: Lookup<'_>, seen: &mut dyn FnMut(&str), depth: usize) -> Result<String, Refused> {
    let end = name_end(inside);
    let (name, rest) = inside.split_at(end);
    if name.is_empty() {
        return Err(format!("`${{{inside}}}` names no variable").into());
    }
    seen(name);
    let value = lookup(name);
    let (filled, rest) = match rest.strip_prefix(':') {
        Some(rest) => (value.clone().filter(|value| !value.is_empty()), rest),
        None => (value.clone(), rest),
    };
    let mut operators = rest.chars();
    let operator = operators.next();
    let mut word = || nested(operators.as_str(), lookup, seen, depth + 1);
    match (operator, filled) {
        (None, _) if inside.len() == name.len() => Ok(value.unwrap_or_default()),
        (Some('-' | '?'), Some(value)) => Ok(value),
        (Some('-'), None) | (Some('+'), Some(_)) => word(),
        (Some('+'), None) => Ok(String::new()),
        (Some('?'), None) => {
            let says = word()?;
            let colon = if says.is_empty() { "" } else { ": " };
            Err(format!("the variable {name} is required and has no value{colon}{says}").into())
        }
        _ => Err(format!("`${{{inside}}}` is not understood").into()),
    }
}

/// `[_a-zA-Z][_a-zA-Z0-9]*`.
fn name_end(text: &str) -> usize {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return 0;
    }
    text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len())
}

/// Where the brace closes; only `${` opens another.
fn closing(inside: &str) -> Option<usize> {
    let mut depth = 1;
    let bytes = inside.as_bytes();
    for at in 0..bytes.len() {
        match bytes[at] {
            b'}' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            b'{' if at > 0 && bytes[at - 1] == b'$' => depth += 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(name: &str) -> Option<String> {
        match name {
            "A" => Some("a".to_owned()),
            "EMPTY" => Some(String::new()),
            "LONG" => Some("x".repeat(100_000)),
            _ => None,
        }
    }

    #[test]
    fn every_form_is_substituted() {
        for (text, expected) in [
            ("$A-${A}", "a-a"),
            ("[${B}][$B]", "[][]"),
            ("${B:-x}${EMPTY:-x}${A:-x}", "xxa"),
            ("${B-x}[${EMPTY-x}]${A-x}", "x[]a"),
            ("[${B:+x}${EMPTY:+x}]${A:+x}", "[]x"),
            ("[${B+x}]${EMPTY+x}${A+x}", "[]xx"),
            ("${A:?no}${EMPTY?no}", "a"),
            ("${B:-${C:-${A}}}", "a"),
            ("${B:-x${A}y}z", "xayz"),
            ("$$A $${A} $$$A", "$A ${A} $a"),
            ("${B:-a:b-c}", "a:b-c"),
            ("${B:-}", ""),
            ("$1 $. $", "$1 $. $"),
            ("${B:-$}", "$"),
            ("{{.X}} ${B:-{}}", "{{.X}} {}"),
        ] {
            assert_eq!(substitute(text, &lookup, &mut |_| {}), Ok(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, says) in [
            ("${A", "closing brace"),
            ("${}", "names no variable"),
            ("${A!b}", "not understood"),
            ("${B:?set it}", "B is required and has no value: set it"),
            ("${EMPTY:?}", "EMPTY is required"),
            ("${B?a ${A}}", "has no value: a a"),
            (&"$LONG".repeat(30), "more than 1 MiB"),
            (&format!("{}{}", "${B:-".repeat(9000), "}".repeat(9000)), "deeper"),
        ] {
            let error = substitute(text, &lookup, &mut |_| {}).unwrap_err();
            assert!(error.message.contains(says), "{text}: {error:?}");
        }
    }
}
