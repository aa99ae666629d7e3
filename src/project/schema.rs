//! The JSON Schema of dockwright.toml: what editors complete by, and what `shape` checks by.

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use serde_json::{Map, Value, json};

use super::Description;
use super::raw;

/// Where editors find the schema: dockwright's own repository, since a user's has no copy of it.
pub const SCHEMA_URL: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/raw/main/docs/dockwright.schema.json");

impl Description {
    /// The JSON Schema (draft 7, which taplo and Even Better TOML read) of dockwright.toml, for these stacks.
    #[must_use]
    pub fn schema(stacks: &[&str]) -> Value {
        let mut schema = SchemaSettings::draft07()
            .with(|settings| settings.inline_subschemas = true)
            .with_transform(RecursiveTransform(plain))
            .into_generator()
            .into_root_schema_for::<raw::RawDescription>();
        let derived = schema.as_object_mut().map(std::mem::take).unwrap_or_default();
        // What the file is comes before what is in it.
        let head = ["$schema", "title", "description"].map(|key| (key.to_owned(), derived[key].clone()));
        let mut schema = Map::from_iter([("$id".to_owned(), json!(SCHEMA_URL))]);
        schema.extend(head);
        merge(&mut schema, derived);
        let mut schema = Value::Object(schema);
        schema["properties"]["service"]["properties"]["stack"]["enum"] = json!(stacks);
        schema
    }
}

/// Takes out what TOML has not (null) and what editors complete badly (`oneOf` constants, Rust's number formats).
fn plain(schema: &mut Schema) {
    let Some(object) = schema.as_object_mut() else { return };
    object.remove("format");
    if let Some(Value::String(text)) = object.get_mut("description") {
        *text = text.replace('\n', " ");
    }
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            object.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(choices)) = object.get_mut("anyOf") {
        choices.retain(|choice| choice.get("type").is_none_or(|name| name != "null"));
        if let [Value::Object(only)] = choices.as_slice() {
            let only = only.clone();
            object.remove("anyOf");
            merge(object, only);
        }
    }
    if let Some(Value::Array(choices)) = object.get("oneOf") {
        let constants: Option<Vec<Value>> = choices.iter().map(|choice| choice.get("const").cloned()).collect();
        if let Some(constants) = constants {
            object.remove("oneOf");
            merge(
                object,
                Map::from_iter([("type".to_owned(), json!("string")), ("enum".to_owned(), json!(constants))]),
            );
        }
    }
}

/// Adds what is not there yet: a property's own words come before its type's.
fn merge(object: &mut Map<String, Value>, other: Map<String, Value>) {
    for (key, value) in other {
        object.entry(key).or_insert(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::tests::{in_repository, same_as_file};
    use crate::stacks;

    #[test]
    fn the_committed_schema_is_this_one() {
        let text = serde_json::to_string_pretty(&Description::schema(&stacks::NAMES)).unwrap() + "\n";
        same_as_file(&text, &in_repository("docs/dockwright.schema.json")).unwrap();
    }

    /// Calls `each` with every part of the schema that describes a value, and its path.
    fn walk(schema: &Value, path: &str, each: &mut impl FnMut(&str, &Value)) {
        each(path, schema);
        for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
            walk(inner, &format!("{path}.{name}"), each);
        }
        for (word, step) in [("additionalProperties", "*"), ("items", "0")] {
            if schema[word].is_object() {
                walk(&schema[word], &format!("{path}.{step}"), each);
            }
        }
    }

    #[test]
    fn it_is_closed_and_explains_itself() {
        walk(&Description::schema(&stacks::NAMES), "", &mut |path, part| {
            let kind = part["type"].as_str().unwrap_or_default();
            assert!(["object", "array", "string", "integer", "boolean"].contains(&kind), "{path}: {part}");
            assert!(part.get("$ref").is_none() && part.get("anyOf").is_none(), "{path}: {part}");
            let rest = &part["additionalProperties"];
            assert!(kind != "object" || *rest == false || rest.is_object(), "{path} is open");
            let inner = path.ends_with('0') || path.ends_with('*');
            assert!(inner || part["description"].is_string(), "{path} has no description");
        });
    }

    #[test]
    fn the_full_case_has_every_key() {
        let text = crate::text::read_text(&in_repository("tests/cases/project/good-full/in.toml"), 1 << 20).unwrap();
        // Leaked so that the closure below can hand out what is inside it.
        let file: &'static toml::Value = Box::leak(Box::new(toml::from_str(&text).unwrap()));
        walk(&Description::schema(&stacks::NAMES), "", &mut |path, _| {
            let mut here = vec![file];
            for step in path.split('.').skip(1) {
                let below = |value: &'static toml::Value| match (value, step) {
                    (toml::Value::Table(table), "*") => table.values().collect(),
                    (toml::Value::Table(table), step) => Vec::from_iter(table.get(step)),
                    (toml::Value::Array(items), _) => items.iter().collect(),
                    _ => Vec::new(),
                };
                here = here.into_iter().flat_map(below).collect();
            }
            assert!(!here.is_empty(), "{path} is not in good-full");
        });
    }
}
