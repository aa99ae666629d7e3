//! The events, a JSON object to a line; docs/events.schema.json is the schema of each.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use crate::verify::Moment;

/// The line of an event, with its line feed.
#[must_use]
pub fn line(moment: &Moment) -> String {
    super::text::document(&serde_json::to_string(moment).expect("an event is JSON")) + "\n"
}

/// The schema of a line.
#[must_use]
pub fn schema() -> Value {
    schema_of::<Moment>("A line of dockwright verify --format ndjson")
}

pub(super) fn schema_of<T: JsonSchema>(title: &str) -> Value {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut schema = generator.into_root_schema_for::<T>().to_value();
    schema["title"] = json!(title);
    schema
}
