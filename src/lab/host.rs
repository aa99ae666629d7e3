//! What compose.yaml and a Dockerfile take from the host.

use std::collections::BTreeSet;

/// Names after `$` or `${` in a text.
pub(crate) fn interpolated(text: &str) -> BTreeSet<String> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.split('$')
        .skip(1)
        .filter_map(|rest| {
            let rest = rest.strip_prefix('{').unwrap_or(rest);
            let end = rest.find(|c| !word(c)).unwrap_or(rest.len());
            let name = &rest[..end];
            name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_').then(|| name.to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interpolated_names_are_found() {
        let found = interpolated("a: ${A:-b} $B ${C?x} $$D ${lower_1}");
        assert!(["A", "B", "C", "lower_1"].iter().all(|name| found.contains(*name)), "{found:?}");
    }
}
