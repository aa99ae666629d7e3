//! Checks a parsed file against the schema: keys, types, fixed sets of values. Only the few words of JSON Schema
//! that `raw` gives rise to are understood; grammars of texts and ranges of numbers are `check`'s.

use std::ops::Range;

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::SCHEMA;
use super::flaws::Flaws;
use super::suggest::other_words;
use super::text::{quoted, shown};
use crate::error::{Error, Result};
use crate::text::nearest;

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
    fn table(&mut self, schema: &Value, path: &mut Vec<String>, table: &DeTable<'_>, place: Option<&Range<usize>>) {
        let known = &schema["properties"];
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            let inner = known.get(name).or_else(|| schema.get("additionalProperties").filter(|any| any.is_object()));
            if let Some(inner) = inner {
                path.push(name.to_owned());
                self.value(inner, path, value, &key.span());
                path.pop();
            } else {
                let error = self.unknown(name, self.flaws.in_header(&key.span()), known, path);
                self.flaws.add(&key.span(), error);
            }
        }
        let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
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
                    format!("add a line such as {line}")
                };
                Error::description(format!("`{name}` is missing {}", section(path))).hint(hint)
            };
            match place {
                Some(span) => self.flaws.add(span, error),
                None => self.flaws.add_missing(error),
            }
        }
    }

    fn value(&mut self, schema: &Value, path: &mut Vec<String>, value: &Spanned<DeValue<'_>>, key: &Range<usize>) {
        let wanted = schema["type"].as_str().unwrap_or("object");
        match (wanted, value.get_ref()) {
            ("object", DeValue::Table(table)) => self.table(schema, path, table, Some(key)),
            ("array", DeValue::Array(items)) => {
                for (at, item) in items.iter().enumerate() {
                    path.push(format!("{}", at + 1));
                    match item.get_ref() {
                        DeValue::Table(table) if schema["items"]["type"] == "object" => {
                            self.table(&schema["items"], path, table, Some(&item.span()));
                        }
                        _ => self.item(&schema["items"], path, item),
                    }
                    path.pop();
                }
            }
            ("string", DeValue::String(text)) => {
                if let Some(error) = outside(schema, last(path), text) {
                    self.flaws.add(&value.span(), error);
                }
            }
            ("integer", number @ DeValue::Integer(_)) => {
                if integer(number).is_none() {
                    let error = Error::description(format!("{} is too large a number", name(path)))
                        .hint("write one that fits, up to 9223372036854775807");
                    self.flaws.add(&value.span(), error);
                }
            }
            ("boolean", DeValue::Boolean(_)) => {}
            ("string", DeValue::Datetime(_)) if schema["x-date"] == true => {}
            (wanted, found) => {
                let error = mistyped(schema, wanted, path, found, self.flaws.source(&value.span()));
                self.flaws.add(&value.span(), error);
            }
        }
    }

    /// Items of a list are strings, or tables.
    fn item(&mut self, schema: &Value, path: &[String], item: &Spanned<DeValue<'_>>) {
        if let Some((number, list)) = path.split_last().filter(|_| schema["type"] == "object") {
            let message =
                format!("item {number} of {} must be a table, not {}", name(list), found_words(item.get_ref()));
            let error = Error::description(message).hint(format!("begin each with a line {}", header(path)));
            self.flaws.add(&item.span(), error);
        } else if let Some((number, list)) = path.split_last().filter(|_| !item.get_ref().is_str()) {
            let message =
                format!("item {number} of {} must be a string, not {}", name(list), found_words(item.get_ref()));
            let error = quotes_hint(Error::description(message), item.get_ref(), "", self.flaws.source(&item.span()));
            self.flaws.add(&item.span(), error);
        }
    }

    /// `header`: the key stands in a `[header]` of its own.
    fn unknown(&self, key: &str, header: bool, known: &Value, path: &[String]) -> Error {
        let table = |last: &str| {
            let full: Vec<String> = path.iter().map(String::as_str).chain([last]).map(bare).collect();
            format!("[{}]", full.join("."))
        };
        let error = Error::description(if header {
            format!("unknown table {}", table(key))
        } else {
            format!("unknown key {} {}", code(key), section(path))
        });
        let names: Vec<&str> = known.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        if let Some(name) = nearest(key, names.iter().copied()) {
            return error.hint(format!("did you mean {}?", if header { table(name) } else { code(name) }));
        }
        let of_deployment = &self.schema["properties"]["deployments"]["additionalProperties"]["properties"][key];
        if path == ["roles", "installation"] && of_deployment.is_object() {
            return error
                .hint("an installation has it from its deployment: [deployments.NAME], as [deployments.production]");
        }
        if let Some(hint) = other_words(key) {
            return error.hint(hint);
        }
        if let Some(home) = self.home(key) {
            return error.hint(format!("`{key}` belongs in {home}"));
        }
        error.hint(format!("known here: {}", names.join(", ")))
    }

    /// The first table that knows a key, two levels down.
    fn home(&self, key: &str) -> Option<String> {
        let knows = |table: &Value| table["properties"].get(key).is_some();
        inner_tables(self.schema).find_map(|(name, table)| {
            if knows(table) {
                return Some(format!("[{name}]"));
            }
            inner_tables(table).find(|(_, inner)| knows(inner)).map(|(inner, _)| format!("[{name}.{inner}]"))
        })
    }
}

fn inner_tables(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema["properties"].as_object().into_iter().flatten()
}

/// The flaw of a text outside the schema's fixed values.
fn outside(schema: &Value, key: &str, text: &str) -> Option<Error> {
    let allowed: Vec<&str> = schema["enum"].as_array()?.iter().filter_map(Value::as_str).collect();
    if allowed.contains(&text) {
        return None;
    }
    let listed = allowed.iter().map(quoted).collect::<Vec<_>>().join(", ");
    let later = schema["x-not-yet"].as_array().is_some_and(|later| later.iter().any(|word| word == text));
    if later {
        return Some(
            Error::description(format!("{key} = {} is planned and does not exist yet", quoted(text)))
                .hint(format!("this dockwright knows {listed}")),
        );
    }
    let error = Error::description(format!("unknown value {} for `{key}`", shown(text)));
    match nearest(text, allowed.iter().copied()) {
        Some(near) => Some(error.hint(format!("did you mean {}?", quoted(near)))),
        None => Some(error.hint(format!("it can be {listed}"))),
    }
}

/// The flaw of a value of another type.
fn mistyped(schema: &Value, wanted: &str, path: &[String], found: &DeValue<'_>, source: &str) -> Error {
    let key = bare(last(path));
    if let (Some(true), DeValue::String(line)) = (schema["x-exec-form"].as_bool(), found) {
        let error = Error::description(format!("{} must be a list of words, not one shell line", name(path)))
            .hint(format!("write {key} = {}", exec_form(line)));
        return match key.as_str() {
            "command" => error.hint("without a shell in between, the stop signal reaches the program"),
            _ => error,
        };
    }
    let message = format!("{} must be {}, not {}", name(path), wanted_words(wanted), found_words(found));
    let error = Error::description(message);
    let fixed = match (wanted, found) {
        ("array", DeValue::String(one)) => Some(format!("[{}]", quoted(one))),
        ("integer", DeValue::String(text)) if text.trim().parse::<i64>().is_ok() => {
            Some(format!("{}, without quotes", text.trim()))
        }
        ("boolean", DeValue::String(text)) => match text.to_lowercase().as_str() {
            "true" | "yes" | "on" => Some("true".to_owned()),
            "false" | "no" | "off" => Some("false".to_owned()),
            _ => None,
        },
        ("string", _) => return quotes_hint(error, found, &format!("{key} = "), source),
        _ => None,
    };
    if let Some(fixed) = fixed {
        return error.hint(format!("write {key} = {fixed}"));
    }
    let example = schema["examples"].get(0).map(toml_value);
    let item = schema["items"]["examples"].get(0).map(|item| format!("[{}]", toml_value(item)));
    if schema["items"]["type"] == "object" {
        return error.hint(format!("begin each with a line [{}]", header(path)));
    }
    match example.or(item) {
        Some(example) => error.hint(format!("for example: {key} = {example}")),
        None => error.hint(format!("write {} on a line of its own, and its keys under it", header(path))),
    }
}

/// The hint for what should be a string: to put quotes around, if that makes one.
fn quotes_hint(error: Error, found: &DeValue<'_>, start: &str, source: &str) -> Error {
    match found {
        DeValue::Table(_) => {
            error.hint("a dot in a key begins a table of its own: put the key in quotes if it belongs to it")
        }
        DeValue::Array(_) => error.hint("write one string, without brackets"),
        _ => error.hint(format!("write {start}{}", quoted(source.trim()))),
    }
}

/// A shell line as a list; through `sh` where it needs one.
fn exec_form(line: &str) -> String {
    let needs_shell = line.contains(|c: char| "|&;<>()$`\\\"'*?[]#~{}!=".contains(c));
    if !needs_shell {
        return format!("[{}]", line.split_whitespace().map(quoted).collect::<Vec<_>>().join(", "));
    }
    // With `exec` the shell makes way for a single program, which then gets the stop signal.
    let single = !line.contains(['|', '&', ';', '(', '{']);
    format!("[\"sh\", \"-c\", {}]", quoted(format!("{}{line}", if single { "exec " } else { "" })))
}

fn wanted_words(name: &str) -> &'static str {
    match name {
        "string" => "a string",
        "integer" => "a whole number",
        "boolean" => "true or false",
        "array" => "a list",
        _ => "a table",
    }
}

fn found_words(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "a boolean",
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
            let entries = entries.iter().map(|(key, value)| format!("{} = {}", bare(key), toml_value(value)));
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

fn last(path: &[String]) -> &str {
    path.last().map_or("", String::as_str)
}

fn name(path: &[String]) -> String {
    code(last(path))
}

/// The header of a table; of one in a list, without its number.
fn header(path: &[String]) -> String {
    let join = |path: &[String]| path.iter().map(bare).collect::<Vec<_>>().join(".");
    match path.split_last() {
        Some((number, list)) if number.parse::<usize>().is_ok() => format!("[[{}]]", join(list)),
        _ => format!("[{}]", join(path)),
    }
}

fn section(path: &[String]) -> String {
    if path.is_empty() { "at the top of the file".to_owned() } else { format!("in {}", header(path)) }
}
