//! Lists of names in sentences, and what was probably meant by a mistyped one.

use std::fmt::Display;

/// The first `most` items, and how many more there are: "a, b, c and 4 more".
pub fn listed(items: impl IntoIterator<Item = impl Display>, most: usize) -> String {
    let mut items = items.into_iter();
    let shown: Vec<String> = items.by_ref().take(most).map(|item| item.to_string()).collect();
    match items.count() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// The option that a mistyped word comes nearest to, if any comes near.
pub fn nearest<'a>(word: &str, options: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Longer than any option by far: nobody meant one, and comparing would take its time.
    if word.len() > 200 {
        return None;
    }
    let plain = |text: &str| text.to_lowercase().replace('_', "-");
    let word = plain(word);
    options
        .into_iter()
        .map(|option| {
            let option_plain = plain(option);
            let typos = strsim::damerau_levenshtein(&word, &option_plain);
            let begins = word.len() > 1 && option_plain.starts_with(&word);
            (if begins { typos.min(1) } else { typos }, option)
        })
        // A third of a word may be wrong, rounded up; more is another word, and so is another letter.
        .filter(|(typos, option)| {
            let longer = option.len().max(word.len());
            longer > 1 && *typos <= longer.div_ceil(3)
        })
        .min_by_key(|(typos, _)| *typos)
        .map(|(_, option)| option)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_says_what_it_leaves_out() {
        assert_eq!(listed(["a", "b"], 2), "a, b");
        assert_eq!(listed(&["a".to_owned(), "b".to_owned(), "c".to_owned()], 2), "a, b and 1 more");
        assert_eq!(listed(1..=9, 3), "1, 2, 3 and 6 more");
    }

    #[test]
    fn nearest_bears_a_third() {
        for (word, options, expected) in [
            ("prot", &["name", "port"][..], Some("port")),
            ("PORT", &["name", "port"], Some("port")),
            ("dev_tools", &["dev", "dev-tools"], Some("dev-tools")),
            ("py", &["python", "node"], Some("python")),
            ("stage", &["target", "tags"], Some("tags")),
            ("nodejs", &["python", "node"], Some("node")),
            ("java", &["python", "node"], None),
            ("", &["a"], None),
            ("bb", &["b", "bar"], Some("b")),
            ("a", &["b"], None),
        ] {
            assert_eq!(nearest(word, options.iter().copied()), expected, "{word}");
        }
    }
}
