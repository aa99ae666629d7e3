//! JSON, with the comments and trailing commas that many tools allow.

use jsonc_parser::ast::Value;
use jsonc_parser::common::Ranged as _;

use super::super::datum::Datum;
use super::{DEEPEST, Lines};

pub(super) fn read(text: &str) -> Option<Datum> {
    if depth(text) > DEEPEST {
        return None;
    }
    let parsed = jsonc_parser::parse_to_ast(
        text,
        &jsonc_parser::CollectOptions::default(),
        &jsonc_parser::ParseOptions::default(),
    );
    let lines = Lines::of(text);
    Some(datum(&parsed.ok()?.value?, &lines))
}

fn datum(value: &Value<'_>, lines: &Lines) -> Datum {
    let line = lines.line(value.range().start);
    match value {
        Value::StringLit(one) => Datum::scalar(line, one.value.as_ref()),
        Value::NumberLit(one) => Datum::scalar(line, one.value),
        Value::BooleanLit(one) => Datum::scalar(line, one.value.to_string()),
        Value::NullKeyword(_) => Datum { line, ..Datum::default() },
        Value::Array(list) => Datum::list(line, list.elements.iter().map(|item| datum(item, lines))),
        Value::Object(object) => {
            let entry = |property: &jsonc_parser::ast::ObjectProp<'_>| {
                (property.name.as_str().to_owned(), datum(&property.value, lines))
            };
            Datum::map(line, object.properties.iter().map(entry).collect())
        }
    }
}

/// How deep brackets nest, whatever is in strings; the parser is not asked beyond what its stack bears.
fn depth(text: &str) -> usize {
    let (mut now, mut most, mut quoted, mut escaped) = (0_usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            // A string ends with its line, whatever an apostrophe in a comment made of it.
            b'\n' => quoted = false,
            b'[' | b'{' if !quoted => {
                now += 1;
                most = most.max(now);
            }
            b']' | b'}' if !quoted => now = now.saturating_sub(1),
            _ => {}
        }
    }
    most
}
