//! TOML.

use toml::de::{DeTable, DeValue};

use super::super::datum::Datum;
use super::Lines;

pub(super) fn read(text: &str) -> Option<Datum> {
    let table = DeTable::parse(text).ok()?;
    Some(of_table(table.get_ref(), 1, text, &Lines::of(text)))
}

fn of_table(table: &DeTable<'_>, line: usize, text: &str, lines: &Lines) -> Datum {
    let entries = table.iter().map(|(key, value)| {
        let at = lines.line(key.span().start);
        (key.get_ref().to_string(), datum(value.get_ref(), &value.span(), at, text, lines))
    });
    Datum::map(line, entries.collect())
}

fn datum(value: &DeValue<'_>, span: &std::ops::Range<usize>, line: usize, text: &str, lines: &Lines) -> Datum {
    match value {
        DeValue::String(one) => Datum::scalar(line, one.as_ref()),
        DeValue::Table(table) => of_table(table, line, text, lines),
        DeValue::Array(list) => Datum::list(
            line,
            list.iter().map(|item| datum(item.get_ref(), &item.span(), lines.line(item.span().start), text, lines)),
        ),
        // As it is written: 3.10 is not 3.1.
        _ => Datum::scalar(line, text.get(span.clone()).unwrap_or_default()),
    }
}
