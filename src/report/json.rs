//! One JSON document; docs/VERIFY.md describes it, docs/verify.schema.json is its schema.

use serde_json::Value;

use crate::verify::Report;

/// The document of a verification.
#[must_use]
pub fn document(report: &Report) -> Value {
    serde_json::to_value(report).expect("a report is JSON")
}

/// The document as text.
#[must_use]
pub fn text(report: &Report) -> String {
    super::text::document(&serde_json::to_string_pretty(report).expect("a report is JSON")) + "\n"
}

/// The document's schema.
#[must_use]
pub fn schema() -> Value {
    super::ndjson::schema_of::<Report>("The document of dockwright verify --format json")
}
