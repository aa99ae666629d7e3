//! Checks a parsed file against the schema: keys, types, fixed sets of values. Only the few words of JSON Schema
//! that `raw` gives rise to are understood; grammars of texts and ranges of numbers are `check`'s.

use std::ops::Range;

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::SCHEMA;
use super::flaws::Flaws;
use super::suggest::{nearest, other_words};
use super::text::{quoted, shown};
use crate::error::{Error, Result};

/// Says whether this dockwright understands the file's number of its schema; if it does not, nothing else in
/// the file can be judged. A number that is missing or no number is left to [`check`].
pub(super) fn understands(root: &DeTable<'_>) -> Result<(), (Range<usize>, Error)> {
    let Some(value) = root.get("schema") else { return Ok(()) };
    match integer(value.get_ref()) {
        Some(number) if number != SCHEMA => {
            let error = Error::description(format!(
                "schema {number} is not known: dockwright {} understands schema {SCHEMA}",
                env!("CARGO_PKG_VERSION")
            ));
            Err((
                value.span(),
                if number > SCHEMA {
                    error.hint("use the newer dockwright that wrote this file")
                } else {
                    error.hint(format!("write schema = {SCHEMA}"))
                },
            ))
        }
        _ => Ok(()),
    }
}

/// Notes every key, type and fixed value in the file that the schema does not allow.
pub(super) fn check(schema: &Value, root: &DeTable<'_>, flaws: &mut Flaws<'_>) {
    Shape { schema, flaws }.table(schema, &mut Vec::new(), root, None);
}

struct Shape<'a, 'b> {
    schema: &'a Value,
    flaws: &'a mut Flaws<'b>,
}

impl Shape<'_, '_> {
    /// `place`: the key that names the table; none at the top.
    fn table(
        &mut self,
        schema: &Value,
        path: &mut Vec<String>,
        table: &DeTable<'_>,
        place: Option<&Range<usize>>,
    ) {
        let known = &schema["properties"];
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            let inner = known
                .get(name)
                .or_else(|| schema.get("additionalProperties").filter(|any| any.is_object()));
            if let Some(inner) = inner {
                path.push(name.to_owned());
                self.value(inner, path, value, &key.span());
                path.pop();
            } else {
                let error = self.unknown(name, value.get_ref().is_table(), known, path);
                self.flaws.add(&key.span(), error);
            }
        }
        let required =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        for name in required.filter(|name| !table.contains_key(*name)) {
            let line = match known[name]["examples"].get(0) {
                Some(example) => format!("{name} = {}", toml_value(example)),
                None => format!("[{name}]"),
            };
            let error = if known[name]["properties"].is_object() {
                Error::description(format!("the table [{name}] is missing"))
                    .hint(format!("add a line {line}, and its keys under it"))
            } else {
                let hint = if path.is_empty() {
                    format!("begin the file with {line}")
                } else {
                    format!("add a line as {line}")
                };
                Error::description(format!("`{name}` is missing {}", section(path))).hint(hint)
            };
            match place {
                Some(span) => self.flaws.add(span, error),
                None => self.flaws.add_missing(error),
            }
        }
    }

    fn value(
        &mut self,
        schema: &Value,
        path: &mut Vec<String>,
        value: &Spanned<DeValue<'_>>,
        key: &Range<usize>,
    ) {
        let wanted = schema["type"].as_str().unwrap_or("object");
        match (wanted, value.get_ref()) {
            ("object", DeValue::Table(table)) => self.table(schema, path, table, Some(key)),
            ("array", DeValue::Array(items)) => {
                for (at, item) in items.iter().enumerate() {
                    path.push(format!("{}", at + 1));
                    self.item(&schema["items"], path, item);
                    path.pop();
                }
            }
            ("string", DeValue::String(text)) => {
                if let Some(error) = outside(schema, &name(path), text) {
                    self.flaws.add(&value.span(), error);
                }
            }
            ("integer", number @ DeValue::Integer(_)) => {
                if integer(number).is_none() {
                    let error = Error::description(format!("{} is too large a number", name(path)));
                    self.flaws.add(&value.span(), error);
                }
            }
            ("boolean", DeValue::Boolean(_)) => {}
            (wanted, found) => {
                let error = mistyped(schema, wanted, path, found, self.flaws.source(&value.span()));
                self.flaws.add(&value.span(), error);
            }
        }
    }

    /// Items of lists are texts here, all of them.
    fn item(&mut self, schema: &Value, path: &[String], item: &Spanned<DeValue<'_>>) {
        if !item.get_ref().is_str() {
            let source = self.flaws.source(&item.span());
            let number = path.last().map_or("", String::as_str);
            let what = format!("item {number} of {}", name(&path[..path.len() - 1]));
            let error = Error::description(format!(
                "{what} is {}, and {} is wanted",
                found_words(item.get_ref()),
                wanted_words(schema["type"].as_str().unwrap_or(""))
            ));
            self.flaws.add(&item.span(), scalar_hint(error, item.get_ref(), "", source));
        }
    }

    fn unknown(&self, key: &str, is_table: bool, known: &Value, path: &[String]) -> Error {
        let error = if is_table {
            let full: Vec<String> =
                path.iter().map(String::as_str).chain([key]).map(bare).collect();
            Error::description(format!("unknown table [{}]", full.join(".")))
        } else {
            Error::description(format!("unknown key {} {}", code(key), section(path)))
        };
        let names: Vec<&str> =
            known.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        if let Some(name) = nearest(key, names.iter().copied()) {
            return error.hint(format!("did you mean `{name}`?"));
        }
        if let Some(hint) = other_words(key) {
            return error.hint(hint);
        }
        if let Some(home) = self.homes(key).first() {
            return error.hint(format!("`{key}` belongs into {home}"));
        }
        error.hint(format!("known here: {}", names.join(", ")))
    }

    /// The tables that know a key, two levels down.
    fn homes(&self, key: &str) -> Vec<String> {
        let tables = |schema: &Value| schema["properties"].as_object().cloned().unwrap_or_default();
        let mut homes = Vec::new();
        for (name, table) in tables(self.schema) {
            if table["properties"].get(key).is_some() {
                homes.push(format!("[{name}]"));
            }
            for (inner, table) in tables(&table) {
                if table["properties"].get(key).is_some() {
                    homes.push(format!("[{name}.{inner}]"));
                }
            }
        }
        homes
    }
}

/// The flaw of a text outside the schema's fixed values.
fn outside(schema: &Value, name: &str, text: &str) -> Option<Error> {
    let allowed: Vec<&str> = schema["enum"].as_array()?.iter().filter_map(Value::as_str).collect();
    if allowed.contains(&text) {
        return None;
    }
    let listed = allowed.iter().map(quoted).collect::<Vec<_>>().join(", ");
    let later =
        schema["x-not-yet"].as_array().is_some_and(|later| later.iter().any(|word| word == text));
    if later {
        return Some(
            Error::description(format!("{name} = {} is planned, and not there yet", quoted(text)))
                .hint(format!("this dockwright knows {listed}")),
        );
    }
    let error = Error::description(format!("{name} cannot be {}", shown(text)));
    Some(match nearest(text, allowed.iter().copied()) {
        Some(near) => error.hint(format!("did you mean {}? it can be {listed}", quoted(near))),
        None => error.hint(format!("it can be {listed}")),
    })
}

/// The flaw of a value of another type.
fn mistyped(
    schema: &Value,
    wanted: &str,
    path: &[String],
    found: &DeValue<'_>,
    source: &str,
) -> Error {
    let key = path.last().map_or("", String::as_str);
    if let (Some(true), DeValue::String(line)) = (schema["x-exec-form"].as_bool(), found) {
        return Error::description(format!(
            "{} is a list of words, not a shell line: with a shell between, the stop signal would not reach the program",
            name(path)
        ))
        .hint(format!("write {} = {}", bare(key), exec_form(line)));
    }
    let error = Error::description(format!(
        "{} is {}, and {} is wanted",
        name(path),
        found_words(found),
        wanted_words(wanted)
    ));
    match (wanted, found) {
        ("array", DeValue::String(one)) => {
            error.hint(format!("write {} = [{}]", bare(key), quoted(one)))
        }
        ("integer", DeValue::String(text)) if text.trim().parse::<i64>().is_ok() => {
            error.hint(format!("write {} = {}, without quotes", bare(key), text.trim()))
        }
        ("boolean", DeValue::String(text)) => match text.to_lowercase().as_str() {
            "true" | "yes" | "on" => error.hint(format!("write {} = true", bare(key))),
            "false" | "no" | "off" => error.hint(format!("write {} = false", bare(key))),
            _ => error,
        },
        ("string", _) if !found.is_array() && !found.is_table() => {
            scalar_hint(error, found, &format!("{} = ", bare(key)), source)
        }
        _ => match schema["examples"].get(0) {
            Some(example) => {
                error.hint(format!("write as {} = {}", bare(key), toml_value(example)))
            }
            None if wanted == "object" => {
                let full: Vec<String> = path.iter().map(bare).collect();
                error.hint(format!(
                    "write [{}] on a line of its own, and its keys under it",
                    full.join(".")
                ))
            }
            None => error,
        },
    }
}

/// The hint to put quotes around what is no text.
fn scalar_hint(error: Error, found: &DeValue<'_>, start: &str, source: &str) -> Error {
    if found.is_array() || found.is_table() {
        error
    } else {
        error.hint(format!("write {start}{}", quoted(source.trim())))
    }
}

/// A shell line as a list; through `sh` where it needs one.
fn exec_form(line: &str) -> String {
    if line.contains(|c: char| "|&;<>()$`\\\"'*?[]#~{}!".contains(c)) {
        return format!("[\"sh\", \"-c\", {}]", quoted(format!("exec {line}")));
    }
    format!("[{}]", line.split_whitespace().map(quoted).collect::<Vec<_>>().join(", "))
}

fn wanted_words(name: &str) -> &'static str {
    match name {
        "string" => "a text in quotes",
        "integer" => "a whole number",
        "boolean" => "true or false",
        "array" => "a list",
        _ => "a table",
    }
}

fn found_words(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

fn integer(value: &DeValue<'_>) -> Option<i64> {
    let number = value.as_integer()?;
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

/// A JSON value as TOML writes it, in one line.
pub(super) fn toml_value(value: &Value) -> String {
    let list = |items: Vec<String>| items.join(", ");
    match value {
        Value::String(text) => quoted(text),
        Value::Array(items) => format!("[{}]", list(items.iter().map(toml_value).collect())),
        Value::Object(entries) => {
            let entries =
                entries.iter().map(|(key, value)| format!("{} = {}", bare(key), toml_value(value)));
            format!("{{ {} }}", list(entries.collect()))
        }
        other => other.to_string(),
    }
}

/// A key as TOML writes it: bare where it can be.
pub(super) fn bare(key: impl AsRef<str>) -> String {
    let key = key.as_ref();
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !key.is_empty() && key.chars().all(plain) { key.to_owned() } else { shown(key) }
}

fn code(key: &str) -> String {
    format!("`{}`", bare(key))
}

fn name(path: &[String]) -> String {
    code(path.last().map_or("", String::as_str))
}

fn section(path: &[String]) -> String {
    if path.is_empty() {
        return "at the top of the file".to_owned();
    }
    let full: Vec<String> = path.iter().map(bare).collect();
    format!("in [{}]", full.join("."))
}
