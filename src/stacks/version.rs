//! Which version of a language: the one that is named, or the one that a range leads to.

use semver::{Version, VersionReq};
use serde::Deserialize;

/// What people of a stack mean by an open range, as `>=3.11`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Range {
    /// The lowest version that satisfies it.
    Floor,
    /// The newest one.
    #[default]
    Newest,
}

/// The version to take: `wanted` itself, if it is a version; else the one of `versions` that the range leads to.
///
/// # Errors
/// Neither a version nor a range, a version that `versions` does not hold (where it holds any), a range that none of
/// them satisfies. The text is a whole sentence.
pub(super) fn choose(wanted: &str, versions: &[String], range: Range) -> Result<String, String> {
    let known = || versions.join(", ");
    if wanted.chars().all(|c| c.is_ascii_digit() || c == '.') && parse(wanted).is_some() {
        // Images are tagged with patch versions, too.
        let of = |version: &String| wanted == version || wanted.starts_with(&format!("{version}."));
        return if versions.is_empty() || versions.iter().any(of) {
            Ok(wanted.to_owned())
        } else {
            Err(format!("version {wanted} has no image: there are {}", known()))
        };
    }
    let request = VersionReq::parse(wanted)
        .map_err(|_| format!("`{wanted}` is neither a version, such as 3.13, nor a range, such as >=3.11, <3.14"))?;
    let mut matching: Vec<(Version, &String)> = versions
        .iter()
        .filter_map(|version| Some((parse(version)?, version)))
        .filter(|(version, _)| request.matches(version))
        .collect();
    matching.sort();
    let chosen = match range {
        Range::Floor => matching.first(),
        Range::Newest => matching.last(),
    };
    chosen.map(|(_, version)| (*version).clone()).ok_or_else(|| {
        if versions.is_empty() {
            format!("`{wanted}` is a range, and this stack does not list its versions: name one")
        } else {
            format!("no version satisfies `{wanted}`: there are {}", known())
        }
    })
}

/// A version of one to three numbers.
fn parse(text: &str) -> Option<Version> {
    let missing = 3_usize.checked_sub(text.split('.').count())?;
    Version::parse(&format!("{text}{}", ".0".repeat(missing))).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_and_ranges() {
        let versions: Vec<String> = ["3.9", "3.13", "3.12", "3.11"].map(ToOwned::to_owned).into();
        for (wanted, range, expected) in [
            ("3.12", Range::Floor, Some("3.12")),
            (">=3.11", Range::Floor, Some("3.11")),
            (">=3.11", Range::Newest, Some("3.13")),
            (">=3.9, <3.13", Range::Newest, Some("3.12")),
            ("*", Range::Newest, Some("3.13")),
            ("^3.10", Range::Floor, Some("3.11")),
            ("3.12.4", Range::Floor, Some("3.12.4")),
            ("3.8", Range::Floor, None),
            ("3.1", Range::Floor, None),
            (">=4", Range::Floor, None),
            ("lts/iron", Range::Newest, None),
            ("", Range::Newest, None),
            ("3.12.1.1", Range::Newest, None),
        ] {
            assert_eq!(choose(wanted, &versions, range).ok().as_deref(), expected, "{wanted} {range:?}");
        }
        assert_eq!(choose("1.90.2", &[], Range::Newest).as_deref(), Ok("1.90.2"));
        assert!(choose(">=1.90", &[], Range::Newest).unwrap_err().contains("name one"));
    }
}
