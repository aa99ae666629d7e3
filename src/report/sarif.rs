//! SARIF 2.1.0, as code scanning reads it: a rule for each contract, a result for each that failed or is inconclusive.
//!
//! What passes has no result: GitHub would show each as an alert.

use std::fmt::Write as _;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::Manner;
use super::text::{changes, cleaned};
use crate::contract::{self, Contract};
use crate::verify::{Failure, Finding, Outcome, Report, is_waived};

/// Where a contract's page is.
const PAGE: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/docs/VERIFY.md#contracts");

/// The document as text.
#[must_use]
pub fn text(report: &Report, manner: &Manner) -> String {
    super::text::document(&serde_json::to_string_pretty(&document(report, manner)).expect("a document is JSON")) + "\n"
}

/// The document.
#[must_use]
pub fn document(report: &Report, manner: &Manner) -> Value {
    let report = &cleaned(report);
    let results: Vec<Value> = report.contracts.iter().filter_map(|finding| result(finding, manner)).collect();
    let mut invocation = json!({ "executionSuccessful": report.error.is_none() });
    if !report.date.is_empty() {
        invocation["startTimeUtc"] = json!(report.date);
    }
    let changed = changes(report).map(|note| json!({ "level": "warning", "message": { "text": note } }));
    let notifications: Vec<Value> = report.error.iter().map(notification).chain(changed).collect();
    if !notifications.is_empty() {
        invocation["toolExecutionNotifications"] = json!(notifications);
    }
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "dockwright",
                "semanticVersion": report.version,
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": contract::ALL.iter().map(rule).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "invocations": [invocation],
            "results": results,
        }],
    })
}

fn rule(contract: &Contract) -> Value {
    json!({
        "id": contract.name,
        "name": pascal(contract.name),
        "shortDescription": { "text": contract.promise },
        "fullDescription": { "text": format!("{} {}", contract.promise, contract.how) },
        "help": {
            "text": format!("{} {}", contract.how, contract.fix),
            "markdown": format!("**How it is checked.** {}\n\n**How to fix it.** {}", contract.how, contract.fix),
        },
        "helpUri": PAGE,
        "defaultConfiguration": { "level": "error" },
        "properties": { "tags": ["containers", contract.role()] },
    })
}

/// `service.non-root` as `ServiceNonRoot`.
fn pascal(name: &str) -> String {
    let mut out = String::new();
    for word in name.split(['.', '-']) {
        let mut letters = word.chars();
        out.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        out.push_str(letters.as_str());
    }
    out
}

fn result(finding: &Finding, manner: &Manner) -> Option<Value> {
    // "open" is SARIF's word for what could not be decided, and only a failure has a level.
    let (kind, level) = match finding.outcome {
        Outcome::Fail => ("fail", "error"),
        Outcome::Skipped if is_waived(finding) => ("fail", "error"),
        Outcome::Inconclusive => ("open", "none"),
        Outcome::Pass | Outcome::Skipped => return None,
    };
    let index = contract::ALL.iter().position(|contract| contract.name == finding.contract)?;
    // A result without a place is not shown, and all places lead from the description.
    let here = finding.file.as_deref().and_then(|file| manner.path(file).map(|path| (path, finding.line.unwrap_or(1))));
    let (path, line) = here.unwrap_or_else(|| (format!("{}dockwright.toml", manner.prefix), 1));
    let mut result = json!({
        "ruleId": finding.contract,
        "ruleIndex": index,
        "kind": kind,
        "level": level,
        "message": { "text": message(finding) },
        "locations": [{ "physicalLocation": {
            "artifactLocation": { "uri": uri(&path) },
            "region": { "startLine": line.max(1) },
        }}],
        "partialFingerprints": { "dockwrightContract/v1": fingerprint(finding.contract, &path) },
    });
    if let Some(waiver) = finding.waiver.as_ref().filter(|_| is_waived(finding)) {
        result["suppressions"] = json!([{ "kind": "external", "justification": waiver.reason }]);
    }
    Some(result)
}

fn message(finding: &Finding) -> String {
    let mut text = format!("{}: {}", finding.contract, finding.observed);
    if finding.outcome != Outcome::Inconclusive {
        text.push_str("\nExpected: ");
        text.push_str(&finding.expected);
    }
    for line in &finding.log {
        text.push_str("\n| ");
        text.push_str(line);
    }
    if let Some(hint) = &finding.hint {
        text.push_str("\nNext: ");
        text.push_str(hint);
    }
    text
}

/// The same for the same contract at the same file, whatever line it moves to and however it is worded.
fn fingerprint(contract: &str, path: &str) -> String {
    let digest = Sha256::digest(format!("{contract}\n{path}"));
    hex::encode(&digest[..16])
}

fn notification(error: &Failure) -> Value {
    let lines: Vec<&str> = [&error.message].into_iter().chain(&error.causes).map(String::as_str).collect();
    json!({ "level": "error", "message": { "text": lines.join(": ") }, "descriptor": { "id": error.kind } })
}

/// A relative path as a URI reference (RFC 3986): what is not unreserved is encoded, slashes aside.
fn uri(path: &str) -> String {
    let mut out = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_uris_and_names_are_identifiers() {
        assert_eq!(uri("docker/my file:é.Dockerfile"), "docker/my%20file%3A%C3%A9.Dockerfile");
        assert_eq!(pascal("service.no-deployment-env"), "ServiceNoDeploymentEnv");
    }
}
