//! Facts of a repository whose code is its own: what the data of a stack says for it, and the placeholders in that.
//!
//! `adopted.toml` beside `stack.toml` is a layer of the stack's schema with two more tables. `facts` names what a repository may
//! tell; `@FACT@` and `@FACT:default@` stand for it. An item of a list that is nothing but a placeholder becomes as many items
//! as the fact has values; an item, or a key, that needs a fact that is not there is left out. `[variants.NAME]` has more of
//! the schema, and counts where its `when` holds: facts, each with a pattern of which one value has to fit, and in `unless`
//! those of which none may.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;

use super::document::Table;

/// Values by the names of facts.
pub type Facts = BTreeMap<String, Vec<String>>;

/// The facts that every repository has: of the description's own keys.
pub const COMMON: &[&str] =
    &["framework", "health", "listens", "manager", "member", "name", "port", "start", "version"];

static PLACEHOLDER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new("@([a-z][a-z-]*)(?::([^@\\n]*))?@").expect("a fixed pattern"));

/// When a variant counts.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct When {
    when: BTreeMap<String, String>,
    unless: BTreeMap<String, String>,
}

impl When {
    fn holds(&self, facts: &Facts) -> Result<bool, String> {
        let fits = |(name, pattern): (&String, &String)| {
            let pattern = Regex::new(pattern).map_err(|error| format!("`{name}`: {error}"))?;
            Ok(facts.get(name).is_some_and(|values| values.iter().any(|value| pattern.is_match(value))))
        };
        let when: Result<Vec<bool>, String> = self.when.iter().map(fits).collect();
        let unless: Result<Vec<bool>, String> = self.unless.iter().map(fits).collect();
        Ok(when?.iter().all(|fits| *fits) && !unless?.iter().any(|fits| *fits))
    }
}

/// The facts that a layer names.
pub(super) fn named(layer: &Table) -> Vec<String> {
    layer.texts("facts").into_iter().chain(COMMON.iter().map(ToString::to_string)).collect()
}

/// A layer with those of its variants that count, and without what only says which do. An error names the variant.
pub(super) fn chosen(mut layer: Table, facts: &Facts) -> Result<Table, (String, String)> {
    layer.remove("facts");
    let variants = layer.take_table("variants").unwrap_or_default();
    let names: Vec<String> = variants.keys().map(ToOwned::to_owned).collect();
    let mut variants = variants;
    for name in names {
        let Some(mut variant) = variants.take_table(&name) else { continue };
        let mut condition = toml::Table::new();
        for key in ["when", "unless"] {
            condition.extend(variant.take_table(key).map(|table| (key.to_owned(), table.to_toml().into())));
        }
        let condition = When::deserialize(condition).map_err(|error| (name.clone(), error.message().to_owned()))?;
        if condition.holds(facts).map_err(|why| (name.clone(), why))? {
            layer.merge(variant);
        }
    }
    Ok(layer)
}

/// What a text becomes: one text or several, or none where a fact is missing.
fn filled(text: &str, names: &[String], facts: &Facts) -> Option<Vec<String>> {
    let is_known = |name: &str| names.iter().any(|known| known == name);
    if let Some(whole) = PLACEHOLDER.captures(text).filter(|found| found[0].len() == text.len() && is_known(&found[1]))
    {
        let own = facts.get(&whole[1]).filter(|values| !values.is_empty()).cloned();
        return own.or_else(|| Some(vec![whole.get(2)?.as_str().to_owned()]));
    }
    let mut all = Some(String::new());
    let mut rest = text;
    while let Some(found) = PLACEHOLDER.captures(rest) {
        let whole = found.get(0).expect("a match has all of itself");
        let name = &found[1];
        let value = if is_known(name) {
            let own = facts.get(name).filter(|values| !values.is_empty()).map(|values| values.join(" "));
            own.or_else(|| Some(found.get(2)?.as_str().to_owned()))
        } else {
            Some(whole.as_str().to_owned())
        };
        all = all.zip(value).map(|(all, value)| all + &rest[..whole.start()] + &value);
        rest = &rest[whole.end()..];
    }
    let all = all? + rest;
    // What stood for nothing leaves its blank.
    Some(vec![if all.ends_with(' ') && !text.ends_with(' ') { all.trim_end().to_owned() } else { all }])
}

/// Puts the facts in; none where the value needs one that is not there.
pub(super) fn fill(value: toml::Value, names: &[String], facts: &Facts) -> Option<toml::Value> {
    Some(match value {
        toml::Value::String(text) => toml::Value::String(filled(&text, names, facts)?.join(" ")),
        toml::Value::Array(items) => {
            let several = |item| match item {
                toml::Value::String(text) => {
                    filled(&text, names, facts).into_iter().flatten().map(toml::Value::String).collect()
                }
                other => fill(other, names, facts).into_iter().collect::<Vec<_>>(),
            };
            toml::Value::Array(items.into_iter().flat_map(several).collect())
        }
        toml::Value::Table(table) => {
            let entries = table.into_iter().filter_map(|(key, value)| Some((key, fill(value, names, facts)?)));
            toml::Value::Table(entries.collect())
        }
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use super::super::origin::OriginLayer;
    use super::*;

    fn facts(pairs: &[(&str, &[&str])]) -> Facts {
        let values = |list: &[&str]| list.iter().map(ToString::to_string).collect();
        pairs.iter().map(|(name, list)| ((*name).to_owned(), values(list))).collect()
    }

    #[test]
    fn facts_take_the_place_of_placeholders_and_what_lacks_one_is_left_out() {
        let names = ["files".to_owned(), "group".to_owned()];
        let facts = facts(&[("files", &["a.txt", "b.txt"])]);
        for (text, expected) in [
            ("['@files@']", "['a.txt', 'b.txt']"),
            ("['-r @files@', 'x @group@', '@group:none@']", "['-r a.txt b.txt', 'none']"),
            ("['@package@ @files@ @group:g@ tail']", "['@package@ a.txt b.txt g tail']"),
            ("[{ a = '@group@', b = ['@group@'], c = 1 }]", "[{ b = [], c = 1 }]"),
        ] {
            let value = |text: &str| format!("v = {text}").parse::<toml::Table>().unwrap().remove("v").unwrap();
            assert_eq!(fill(value(text), &names, &facts), Some(value(expected)), "{text}");
        }
    }

    #[test]
    fn a_variant_counts_where_its_facts_fit() {
        let text = "port = 1\nfacts = ['tests']\n[variants.a]\nwhen = { manager = '^(x|y)$' }\nport = 2\n\
                    [variants.b]\nunless = { tests = '' }\nshape = 'built'\n";
        let layer = || Table::parse(text, &OriginLayer::Stack, "a.toml").unwrap();
        for (pairs, expected) in [
            (&[("manager", &["x"][..])][..], "port = 2\nshape = 'built'"),
            (&[("manager", &["z"][..]), ("tests", &["t"][..])][..], "port = 1"),
        ] {
            let expected: toml::Table = expected.parse().unwrap();
            assert_eq!(chosen(layer(), &facts(pairs)).unwrap().to_toml(), expected);
        }
        assert!(named(&layer()).contains(&"tests".to_owned()));
        let broken = Table::parse("[variants.a]\nwhen = { x = '(' }\n", &OriginLayer::Stack, "a.toml").unwrap();
        assert_eq!(chosen(broken, &Facts::new()).unwrap_err().0, "a");
    }
}
