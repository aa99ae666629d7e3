//! Words that no file has by chance: planted somewhere, they are found again in whatever form.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use regex::Regex;
use sha2::{Digest as _, Sha256};

/// What every word begins with, so that a person who meets one in a log can look it up.
const HEAD: &str = "taint";
/// So many bytes of a word are the run's, and so many its own; each byte is two hexadecimal digits.
const OF_RUN: usize = 8;
const OWN: usize = 6;

/// Not to be found by chance, and another one in every run.
pub(crate) fn word(run: &str, index: usize) -> String {
    format!("{}{}", beginning(run), digest(&format!("{run} {index}"), OWN))
}

/// How all words of a run begin.
pub(crate) fn beginning(run: &str) -> String {
    format!("{HEAD}{}", digest(run, OF_RUN))
}

/// What fits a word of any run, or as much of one as tells the run.
pub(crate) fn pattern() -> Regex {
    let (least, most) = (2 * OF_RUN, 2 * (OF_RUN + OWN));
    Regex::new(&format!("{HEAD}[0-9a-f]{{{least},{most}}}")).expect("digits and braces are a pattern")
}

fn digest(text: &str, length: usize) -> String {
    hex::encode(&Sha256::digest(text)[..length])
}

/// What is searched for: a text as it is, in hexadecimal digits, and as base64, wherever in a text it begins.
pub(crate) fn forms(word: &str) -> Vec<Vec<u8>> {
    let digits = hex::encode(word);
    let mut forms = vec![word.to_owned(), digits.to_uppercase(), digits];
    for before in 0..3 {
        let mut bytes = vec![0; before];
        bytes.extend(word.as_bytes());
        // Without the digits that depend on what stands before and behind the word.
        let whole = bytes.len() / 3 * 4;
        let from = [0, 2, 3][before];
        for encoded in [STANDARD_NO_PAD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes)] {
            forms.push(encoded[from..whole].to_owned());
        }
    }
    forms.sort();
    forms.dedup();
    forms.into_iter().map(String::into_bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_known_in_every_form_wherever_it_begins() {
        let word = word("verify-1", 0);
        for before in ["", "a", "ab", "abc"] {
            let text = STANDARD_NO_PAD.encode(format!("{before}{word}\n"));
            let known = |form: &Vec<u8>| text.contains(std::str::from_utf8(form).unwrap());
            assert!(forms(&word).iter().any(known), "{before}");
        }
        assert!(forms(&word).contains(&hex::encode(&word).into_bytes()));
        // What all begin with is enough to know that there is one.
        for before in ["", "a", "ab"] {
            let text = STANDARD_NO_PAD.encode(format!("{before}{word}\n"));
            let known = |form: &Vec<u8>| text.contains(std::str::from_utf8(form).unwrap());
            assert!(forms(&beginning("verify-1")).iter().any(known), "{before}");
        }
    }
}
