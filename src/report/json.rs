//! One JSON document; docs/VERIFY.md describes it.

use serde_json::Value;

use crate::verify::Report;

/// The document of a finished verification.
#[must_use]
pub fn document(report: &Report) -> Value {
    serde_json::to_value(report).expect("a report is JSON")
}
