//! Values: numbers, sizes, durations, shell words, lists and mappings of them.

use std::collections::BTreeMap;
use std::time::Duration;

use super::fault::ComposeFault;
use super::yaml::{YamlNode, YamlValue};

fn wrong(node: &YamlNode, field: &str, wanted: &str) -> ComposeFault {
    let shown = node.scalar().map(|text| format!(" (`{text}`)")).unwrap_or_default();
    ComposeFault::new(&node.place, format!("`{field}` takes {wanted}, and has {}{shown}", node.kind()))
}

/// A string. Compose takes no number for one: `user: 1000` wants quotes.
pub(super) fn text(node: &YamlNode, field: &str) -> Result<String, ComposeFault> {
    match &node.value {
        YamlValue::Text(text) => Ok(text.clone()),
        YamlValue::Int(_) | YamlValue::Float(_) | YamlValue::Bool(_) => {
            Err(wrong(node, field, "a string").hint("put it in quotes"))
        }
        _ => Err(wrong(node, field, "a string")),
    }
}

/// A string, a number or a truth value, as text.
pub(super) fn scalar(node: &YamlNode, field: &str) -> Result<String, ComposeFault> {
    node.scalar().ok_or_else(|| wrong(node, field, "a string or a number"))
}

/// A truth value; strings too, as Compose casts what was interpolated.
pub(super) fn boolean(node: &YamlNode, field: &str) -> Result<bool, ComposeFault> {
    let found = match &node.value {
        YamlValue::Bool(value) => Some(*value),
        YamlValue::Text(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "y" | "yes" | "on" => Some(true),
            "false" | "n" | "no" | "off" => Some(false),
            _ => None,
        },
        _ => None,
    };
    found.ok_or_else(|| wrong(node, field, "true or false"))
}

/// A whole number.
pub(super) fn integer(node: &YamlNode, field: &str) -> Result<i64, ComposeFault> {
    match &node.value {
        YamlValue::Int(value) => Some(*value),
        #[expect(clippy::cast_possible_truncation, reason = "it is whole and small")]
        YamlValue::Float(value) if value.fract() == 0.0 && value.abs() < 1e15 => Some(*value as i64),
        YamlValue::Text(text) => text.parse().ok(),
        _ => None,
    }
    .ok_or_else(|| wrong(node, field, "a whole number"))
}

/// A number.
pub(super) fn float(node: &YamlNode, field: &str) -> Result<f64, ComposeFault> {
    match &node.value {
        #[expect(clippy::cast_precision_loss, reason = "counts of processors")]
        YamlValue::Int(value) => Some(*value as f64),
        YamlValue::Float(value) => Some(*value),
        YamlValue::Text(text) => text.parse().ok(),
        _ => None,
    }
    .ok_or_else(|| wrong(node, field, "a number"))
}

/// Permission bits: a number (`0440` is octal in YAML already), or a string in octal.
pub(super) fn mode(node: &YamlNode, field: &str) -> Result<u32, ComposeFault> {
    match &node.value {
        YamlValue::Int(value) => u32::try_from(*value).ok(),
        YamlValue::Text(text) => u32::from_str_radix(text.trim_start_matches("0o"), 8).ok(),
        _ => None,
    }
    .filter(|mode| *mode <= 0o7777)
    .ok_or_else(|| wrong(node, field, "permission bits such as 0440"))
}

/// Bytes: a number or `512m`, `1.5gb` (spec 11, "Byte values"; binary units as in go-units).
pub(super) fn bytes(node: &YamlNode, field: &str) -> Result<i64, ComposeFault> {
    match &node.value {
        YamlValue::Int(value) => Some(*value),
        YamlValue::Text(text) => byte_text(text),
        _ => None,
    }
    .ok_or_else(|| wrong(node, field, "a size such as 512m"))
}

fn byte_text(text: &str) -> Option<i64> {
    let text = text.trim();
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '-')).unwrap_or(text.len());
    let number: f64 = text[..end].parse().ok()?;
    let unit = text[end..].trim().to_ascii_lowercase();
    let unit = unit.strip_suffix("ib").or_else(|| unit.strip_suffix('b')).unwrap_or(&unit);
    let power = match unit {
        "" => 0,
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        "p" => 5,
        _ => return None,
    };
    let size = number * 1024_f64.powi(power);
    #[expect(clippy::cast_possible_truncation, reason = "checked; go-units cuts off too")]
    (size.abs() < 9e18).then_some(size as i64)
}

/// `1h30m10.5s`, `500ms`, `10us`, and a number of nanoseconds as 0 (spec 11, "Duration values").
pub(super) fn duration(node: &YamlNode, field: &str) -> Result<Duration, ComposeFault> {
    node.scalar()
        .and_then(|text| duration_text(&text))
        .ok_or_else(|| wrong(node, field, "a duration such as 1m30s").hint("a duration needs a unit: ms, s, m, h"))
}

fn duration_text(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let mut rest = text;
    let mut total = 0.0_f64;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let number: f64 = rest[..end].parse().ok()?;
        rest = &rest[end..];
        let end = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        let nanos = match &rest[..end] {
            "ns" => 1.0,
            "us" | "µs" | "μs" => 1e3,
            "ms" => 1e6,
            "s" => 1e9,
            "m" => 6e10,
            "h" => 3.6e12,
            _ => return None,
        };
        total += number * nanos;
        rest = &rest[end..];
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked")]
    (!text.is_empty() && total < 9e18).then(|| Duration::from_nanos(total.round() as u64))
}

/// Words as Compose splits them (go-shellwords, without variables and backticks): quotes are taken off,
/// nothing is expanded, `$(…)` and backticks hold blanks, and an operator ends the command.
pub(crate) fn shell_words(text: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    // What is open: a quote, a backtick, or `(` of `$(`.
    let mut open: Option<char> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, open) {
            ('\\', open) if open != Some('\'') => {
                let next = chars.next().ok_or("it ends in a backslash")?;
                word.get_or_insert_default().push(match next {
                    't' => '\t',
                    'n' => '\n',
                    next => next,
                });
            }
            (' ' | '\t' | '\r' | '\n', None) => words.extend(word.take()),
            ('"' | '\'', None) => {
                open = Some(c);
                word.get_or_insert_default();
            }
            ('"', Some('"')) | ('\'', Some('\'')) => open = None,
            ('`', None | Some('`')) => {
                open = if open.is_none() { Some('`') } else { None };
                word.get_or_insert_default().push(c);
            }
            ('(', None) if word.as_ref().is_some_and(|word| word.ends_with('$')) => {
                open = Some('(');
                word.get_or_insert_default().push(c);
            }
            (')', Some('(')) => {
                open = None;
                word.get_or_insert_default().push(c);
            }
            ('(' | ')', None) | ('(', Some('(')) => return Err("it has an unquoted parenthesis"),
            (';' | '&' | '|' | '<' | '>', None) => {
                // The 2 of `2>` belongs to the operator.
                if c == '>' && word.as_ref().is_some_and(|word| word.starts_with(|c: char| c.is_ascii_digit())) {
                    word = None;
                }
                break;
            }
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    open.map_or(Ok(words), |_| Err("a quote is not closed"))
}

/// A list of strings; a single string is a list of one.
pub(super) fn texts(node: &YamlNode, field: &str) -> Result<Vec<String>, ComposeFault> {
    match &node.value {
        YamlValue::List(items) => items.iter().map(|item| text(item, field)).collect(),
        YamlValue::Text(text) => Ok(vec![text.clone()]),
        _ => Err(wrong(node, field, "a list of strings")),
    }
}

/// A list of strings and numbers, as text.
pub(super) fn scalars(node: &YamlNode, field: &str) -> Result<Vec<String>, ComposeFault> {
    items(node, field)?.iter().map(|item| scalar(item, field)).collect()
}

/// `[K=V, K]` or `{K: V, K:}` in order.
pub(super) fn pairs(node: &YamlNode, field: &str) -> Result<Vec<(String, Option<String>)>, ComposeFault> {
    match &node.value {
        YamlValue::List(items) => items
            .iter()
            .map(|item| {
                let item = text(item, field)?;
                Ok(match item.split_once('=') {
                    Some((key, value)) => (key.to_owned(), Some(value.to_owned())),
                    None => (item, None),
                })
            })
            .collect(),
        YamlValue::Map(entries) => entries
            .iter()
            .map(|(key, value)| match &value.value {
                YamlValue::Null => Ok((key.text.clone(), None)),
                _ => Ok((key.text.clone(), Some(scalar(value, &format!("{field}.{}", key.text))?))),
            })
            .collect(),
        _ => Err(wrong(node, field, "a mapping or a list")),
    }
}

/// The same as a mapping; what has no value is empty.
pub(super) fn map(node: &YamlNode, field: &str) -> Result<BTreeMap<String, String>, ComposeFault> {
    Ok(pairs(node, field)?.into_iter().map(|(key, value)| (key, value.unwrap_or_default())).collect())
}

/// `name=address`, `name:address`, or a mapping, also to a list of addresses; IPv6 in brackets too.
pub(super) fn extra_hosts(node: &YamlNode, field: &str) -> Result<Vec<(String, String)>, ComposeFault> {
    let bare =
        |address: &str| address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(address).to_owned();
    let mut found = Vec::new();
    match &node.value {
        YamlValue::Map(entries) => {
            for (key, value) in entries {
                for address in texts(value, field)? {
                    found.push((key.text.clone(), bare(&address)));
                }
            }
        }
        _ => {
            for line in texts(node, field)? {
                let Some((name, address)) = line.split_once('=').or_else(|| line.split_once(':')) else {
                    return Err(ComposeFault::new(&node.place, format!("`{line}` in `{field}` has no address"))
                        .hint("write name=address"));
                };
                found.push((name.to_owned(), bare(address)));
            }
        }
    }
    // Compose holds them in a map: by name.
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found.dedup();
    Ok(found)
}

/// Each value once, in its first place.
pub(super) fn unique(values: Vec<String>) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    values.into_iter().filter(|value| seen.insert(value.clone())).collect()
}

/// The entries of a mapping.
pub(super) fn entries<'a>(
    node: &'a YamlNode,
    field: &str,
) -> Result<&'a [(super::yaml::YamlKey, YamlNode)], ComposeFault> {
    match &node.value {
        YamlValue::Map(entries) => Ok(entries),
        _ => Err(wrong(node, field, "a mapping")),
    }
}

/// The items of a list.
pub(super) fn items<'a>(node: &'a YamlNode, field: &str) -> Result<&'a [YamlNode], ComposeFault> {
    match &node.value {
        YamlValue::List(items) => Ok(items),
        _ => Err(wrong(node, field, "a list")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_durations_and_words() {
        for (text, expected) in [
            ("512m", Some(536_870_912)),
            ("1.5GB", Some(1_610_612_736)),
            ("64Kib", Some(65_536)),
            ("100", Some(100)),
            ("1x", None),
        ] {
            assert_eq!(byte_text(text), expected, "{text}");
        }
        for (text, expected) in [
            ("1m30s", Some(90_000)),
            ("1.5s", Some(1_500)),
            ("500ms", Some(500)),
            ("2h", Some(7_200_000)),
            ("10", None),
            ("0", Some(0)),
            ("", None),
        ] {
            assert_eq!(duration_text(text), expected.map(Duration::from_millis), "{text}");
        }
        for (text, expected) in [
            ("a b", vec!["a", "b"]),
            ("a 'b c' \"d $E\" f\\ g", vec!["a", "b c", "d $E", "f g"]),
            ("a '' b", vec!["a", "", "b"]),
            ("a && b", vec!["a"]),
            ("  ", vec![]),
            ("a `b c` $(d e) \"$(f g)\"", vec!["a", "`b c`", "$(d e)", "$(f g)"]),
            ("a # b 2>c", vec!["a", "#", "b"]),
        ] {
            assert_eq!(shell_words(text).unwrap(), expected, "{text}");
        }
        for text in ["a 'b", "a (b", "a b)", "a\\"] {
            assert!(shell_words(text).is_err(), "{text}");
        }
    }
}
