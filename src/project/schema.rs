//! The JSON Schema of dockwright.toml: what editors complete by, and what `shape` checks by.

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use serde_json::{Map, Value, json};

use super::raw::Description;
use super::{Project, StackFacts};

/// Where editors find the schema: dockwright's own repository, since a user's has no copy of it.
pub const SCHEMA_URL: &str =
    concat!(env!("CARGO_PKG_REPOSITORY"), "/raw/main/docs/dockwright.schema.json");

impl Project {
    /// The JSON Schema (draft 7, which taplo and Even Better TOML read) of dockwright.toml, for these stacks.
    #[must_use]
    pub fn schema(stacks: &[StackFacts<'_>]) -> Value {
        let mut schema = SchemaSettings::draft07()
            .with(|settings| settings.inline_subschemas = true)
            .with_transform(RecursiveTransform(plain))
            .into_generator()
            .into_root_schema_for::<Description>();
        schema.insert("$id".to_owned(), json!(SCHEMA_URL));
        let mut schema = schema.to_value();
        let names: Vec<&str> = stacks.iter().map(|stack| stack.name).collect();
        schema["properties"]["service"]["properties"]["stack"]["enum"] = json!(names);
        schema
    }
}

/// Takes out what TOML has not (null) and what editors complete badly (`oneOf` constants, Rust's number formats).
fn plain(schema: &mut Schema) {
    let Some(object) = schema.as_object_mut() else { return };
    object.remove("format");
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
        let constants: Option<Vec<Value>> =
            choices.iter().map(|choice| choice.get("const").cloned()).collect();
        if let Some(constants) = constants {
            object.remove("oneOf");
            merge(
                object,
                Map::from_iter([
                    ("type".to_owned(), json!("string")),
                    ("enum".to_owned(), json!(constants)),
                ]),
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
