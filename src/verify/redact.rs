//! Takes secrets out of everything that is told: the values of the files and variables that compose.yaml's `secrets`
//! name, and the random words that stand for deployments' values in a build.
//!
//! All events pass through here, once; what reports are made of has been redacted.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::event::{Event, Failure};
use super::outcome::Finding;
use crate::compose::Compose;
use crate::text;

/// What stands in a secret's place.
const REDACTED: &str = "[redacted]";

/// Of a secret that is a file, no more is looked for.
const LARGEST: u64 = 64 * 1024;

/// A value shorter than this is looked for as a word of its own: every other text would hold it by chance.
const SHORT: usize = 4;

/// How the words of `service.no-deployment-env` begin; 24 hexadecimal digits follow.
const SENTINEL: &str = "taint";

/// Knows the secrets of a project.
#[derive(Debug)]
pub struct Redactor {
    values: Vec<String>,
    finder: AhoCorasick,
}

impl Redactor {
    /// For the secrets that compose.yaml names; `env` is what it interpolates.
    pub(super) fn of(compose: &Compose, env: &BTreeMap<String, String>) -> Self {
        let dotenv =
            compose.file.parent().map(|folder| text::read_text(&folder.join(".env"), text::SMALL).unwrap_or_default());
        let dotenv = dotenv.unwrap_or_default();
        let in_dotenv = |name: &str| {
            let mut assigned =
                dotenv.lines().filter_map(|line| line.trim().trim_start_matches("export ").split_once('='));
            let value = assigned.rfind(|(key, _)| key.trim() == name).map(|(_, value)| value.trim());
            value.map(|value| value.trim_matches(['"', '\'']).to_owned())
        };
        let mut secrets = Vec::new();
        for secret in compose.secrets.values() {
            secrets.extend(
                secret.environment.as_ref().and_then(|name| env.get(name).cloned().or_else(|| in_dotenv(name))),
            );
            let Some(file) = secret.file_path.as_ref().filter(|file| file.is_file()) else { continue };
            let mut bytes = Vec::new();
            if std::fs::File::open(file).and_then(|file| file.take(LARGEST).read_to_end(&mut bytes)).is_ok() {
                secrets.push(String::from_utf8_lossy(&bytes).into_owned());
            }
        }
        Self::for_values(&secrets)
    }

    fn for_values(secrets: &[String]) -> Self {
        let mut values = BTreeSet::new();
        for secret in secrets {
            let whole = secret.trim();
            // Logs are told line by line, and a key in PEM has many.
            let lines = whole.lines().map(str::trim).filter(|line| *line == whole || line.len() >= 2 * SHORT);
            let lines = lines.filter(|line| !line.is_empty() && !line.starts_with("-----"));
            for value in lines.map(str::to_owned).chain(parts(whole)) {
                let value = value.as_str();
                values.insert(value.to_owned());
                if value.len() >= SHORT {
                    values.insert(STANDARD_NO_PAD.encode(value));
                    let json = serde_json::Value::from(value).to_string();
                    values.insert(json[1..json.len() - 1].to_owned());
                }
            }
        }
        let values: Vec<String> = values.into_iter().collect();
        let finder = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&values);
        Self { finder: finder.expect("a few values of some kilobytes are no great automaton"), values }
    }

    /// A text without secrets.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = 0;
        for found in self.finder.find_iter(text) {
            let word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
            let part_of_a_word =
                word(text[..found.start()].chars().next_back()) || word(text[found.end()..].chars().next());
            if self.values[found.pattern()].len() < SHORT && part_of_a_word {
                continue;
            }
            out.push_str(&text[rest..found.start()]);
            out.push_str(REDACTED);
            rest = found.end();
        }
        out.push_str(&text[rest..]);
        without_sentinels(out)
    }

    fn clean(&self, text: &mut String) {
        *text = self.text(text);
    }

    /// An error as it may be told.
    #[must_use]
    pub fn failure(&self, mut failure: Failure) -> Failure {
        let Failure { message, causes, hints, .. } = &mut failure;
        for text in std::iter::once(message).chain(causes).chain(hints) {
            self.clean(text);
        }
        failure
    }

    /// An event as it may be told.
    pub(super) fn event(&self, mut event: Event) -> Event {
        match &mut event {
            Event::BuildStep { step, .. } => self.clean(step),
            Event::BuildDone(role) => role.layers.iter_mut().for_each(|layer| self.clean(&mut layer.step)),
            Event::CheckDone(finding) => *finding = self.finding(finding.clone()),
            Event::Started(_) | Event::CheckStarted { .. } | Event::Ended { .. } => {}
        }
        event
    }

    pub(super) fn finding(&self, mut finding: Finding) -> Finding {
        let Finding { expected, observed, file, log, hint, waiver, .. } = &mut finding;
        let texts = [expected, observed].into_iter().chain(file).chain(log).chain(hint);
        for text in texts.chain(waiver.as_mut().map(|waiver| &mut waiver.reason)) {
            self.clean(text);
        }
        finding
    }
}

/// The values in a secret that is a file of settings: JSON's strings, and what `NAME=value` and `name: value` assign. Short
/// ones are settings like any other.
fn parts(secret: &str) -> Vec<String> {
    fn strings(value: &serde_json::Value, found: &mut Vec<String>) {
        match value {
            serde_json::Value::String(text) => found.push(text.clone()),
            serde_json::Value::Array(items) => items.iter().for_each(|item| strings(item, found)),
            serde_json::Value::Object(entries) => entries.values().for_each(|item| strings(item, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    if let Ok(value @ (serde_json::Value::Object(_) | serde_json::Value::Array(_))) = serde_json::from_str(secret) {
        strings(&value, &mut found);
    } else {
        let named = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "_-. ".contains(c));
        let assigned = secret.lines().filter_map(|line| line.split_once(['=', ':']).filter(|(name, _)| named(name)));
        found.extend(assigned.map(|(_, value)| value.trim().trim_matches(['"', '\'']).to_owned()));
    }
    found.retain(|value| value.len() >= 2 * SHORT - 2);
    found
}

fn without_sentinels(mut text: String) -> String {
    const DIGITS: usize = 24;
    let mut from = 0;
    while let Some(at) = text[from..].find(SENTINEL).map(|at| from + at) {
        let start = at + SENTINEL.len();
        let digits = text.as_bytes()[start..].iter().take(DIGITS).take_while(|byte| byte.is_ascii_hexdigit()).count();
        from = start;
        if digits == DIGITS {
            text.replace_range(at..start + DIGITS, REDACTED);
            from = at + REDACTED.len();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_go_and_what_is_like_them_stays() {
        let secrets = [
            "hunter2\n",
            "42",
            "",
            "-----BEGIN KEY-----\nMIIEvQIBADAN\nqwertyui\n-----END KEY-----\n",
            "a\"b\"c",
            "DB_PASSWORD=hunter3!\nDEBUG=true\n",
            "{\"user\": {\"password\": \"open-sesame\", \"id\": 7}}",
        ];
        let redactor = Redactor::for_values(&secrets.map(String::from));
        for (text, expected) in [
            ("password hunter2 refused", "password [redacted] refused"),
            ("hunter2hunter2", "[redacted][redacted]"),
            ("aHVudGVyMg", "[redacted]"),
            ("exit code 42, port 4242", "exit code [redacted], port 4242"),
            ("key MIIEvQIBADAN!", "key [redacted]!"),
            ("-----BEGIN KEY-----", "-----BEGIN KEY-----"),
            (r#"{"token": "a\"b\"c"}"#, r#"{"token": "[redacted]"}"#),
            ("ENV A=taint0123456789abcdef01234567 é", "ENV A=[redacted] é"),
            ("DB=hunter3!", "DB=[redacted]"),
            ("debug is true", "debug is true"),
            ("pass open-sesame", "pass [redacted]"),
            ("a taint on it, taint0123", "a taint on it, taint0123"),
        ] {
            assert_eq!(redactor.text(text), expected);
        }
        assert_eq!(Redactor::for_values(&[]).text("as it is"), "as it is");
    }
}
