//! Takes secrets out of everything that is told: the values of the files and variables that compose.yaml's `secrets`
//! name, those that it takes from the host's environment, and the random words that stand for deployments' values in a build.
//!
//! All events pass through here, once; what reports are made of has been redacted.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use regex::Regex;

use super::event::{Event, Failure};
use super::outcome::Finding;
use crate::compose::Compose;
use crate::engine;
use crate::gate;
use crate::lab::tracer;
use crate::text::{self, Unreadable, Why};

/// What stands in a secret's place.
const REDACTED: &str = "[redacted]";

/// Of a secret that is a file, no more is looked for.
const LARGEST: u64 = 64 * 1024;

/// A value shorter than this is looked for as a word of its own: every other text would hold it by chance.
const SHORT: usize = 4;

/// Knows the secrets of a project.
#[derive(Debug)]
pub struct Redactor {
    values: Vec<String>,
    finder: AhoCorasick,
    /// The words that stand for deployments' values in a build.
    planted: Regex,
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
            if let Ok(bytes) = text::begin(file, LARGEST) {
                secrets.push(String::from_utf8_lossy(&bytes).into_owned());
            }
        }
        secrets.extend(gate::taken_secrets(compose, env));
        // Proxies that ask for a password.
        secrets.extend(engine::proxy_values().into_iter().filter(|value| value.contains('@')));
        Self::for_values(&secrets)
    }

    /// For all that an environment has and that may be a secret. Of a project that could not be read nobody knows which of
    /// them it takes; see [`named_below`].
    #[must_use]
    pub fn of_environment(env: &BTreeMap<String, String>) -> Self {
        let secrets = env.iter().filter(|(name, value)| gate::may_be_secret(name, value));
        Self::for_values(&secrets.map(|(_, value)| value.clone()).collect::<Vec<_>>())
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
                    let json = serde_json::Value::from(value).to_string();
                    values.insert(json[1..json.len() - 1].to_owned());
                    values.extend(encoded(value));
                }
            }
        }
        let values: Vec<String> = values.into_iter().collect();
        let finder = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&values);
        let finder = finder.expect("a few values of some kilobytes make a small automaton");
        Self { finder, values, planted: tracer::pattern() }
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
        self.planted.replace_all(&out, REDACTED).into_owned()
    }

    fn clean(&self, text: &mut String) {
        *text = self.text(text);
    }

    /// A failure as it may be told.
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
            Event::BuildDone(role) => {
                role.layers.iter_mut().for_each(|layer| self.clean(&mut layer.step));
                role.failure.iter_mut().for_each(|text| self.clean(text));
            }
            Event::Pulled { failure, .. } => failure.iter_mut().for_each(|text| self.clean(text)),
            Event::CheckDone(finding) => *finding = self.finding(finding.clone()),
            Event::Ended { error: Some(error), .. } => *error = self.failure(error.clone()),
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

/// A value as programs write it that show their data: base64 at each of its three offsets (what comes before it in the same
/// text shifts it), hexadecimal, percent signs.
fn encoded(value: &str) -> Vec<String> {
    let mut forms = vec![STANDARD_NO_PAD.encode(value), URL_SAFE_NO_PAD.encode(value)];
    if value.len() > SHORT {
        for shift in 0..3 {
            let padded = [&[0; 2][..shift], value.as_bytes()].concat();
            // Without the characters that also hold bits of what is before and behind.
            let (first, last) = ((shift * 8).div_ceil(6), padded.len() * 8 / 6);
            forms.extend(
                [STANDARD_NO_PAD.encode(&padded), URL_SAFE_NO_PAD.encode(&padded)]
                    .map(|text| text[first..last].to_owned()),
            );
        }
        let hex = hex::encode(value);
        forms.extend([hex.to_ascii_uppercase(), hex]);
        let percent = |plain: &dyn Fn(u8) -> bool| -> String {
            value
                .bytes()
                .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
                .collect()
        };
        let url = percent(&|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte));
        forms.extend([url.replace("%20", "+"), url.to_ascii_lowercase(), url]);
    }
    forms
}

/// The variables of an environment that a file below a folder names, and so may take; all, where there is too much to look at.
/// The values of the others are in no message but by chance.
#[must_use]
pub fn named_below(folder: &Path, env: BTreeMap<String, String>) -> BTreeMap<String, String> {
    /// So many files, and of all of them so many bytes.
    const MOST: usize = 4000;
    const BYTES: u64 = 32 << 20;
    let names: Vec<&String> = env.keys().collect();
    let Ok(finder) = AhoCorasick::new(&names) else { return env };
    let (mut named, mut count, mut left) = (BTreeSet::new(), 0, BYTES);
    // No other folder is left out: compose.yaml may include a file of any. Nobody can commit one below `.git`.
    let entries = walkdir::WalkDir::new(folder).into_iter().filter_entry(|entry| entry.file_name() != ".git");
    let entries = entries.filter_map(Result::ok);
    for entry in entries.filter(|entry| !entry.file_type().is_dir()) {
        count += 1;
        let bytes = match text::read(entry.path(), left) {
            Ok(bytes) if count <= MOST => bytes,
            Ok(_) | Err(Unreadable { why: Why::TooLarge(_), .. }) => return env,
            Err(_) => continue,
        };
        left -= bytes.len() as u64;
        named.extend(finder.find_overlapping_iter(&bytes).map(|found| names[found.pattern()].clone()));
    }
    env.into_iter().filter(|(name, _)| named.contains(name)).collect()
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

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests write files")]
mod tests {
    use super::*;

    #[test]
    fn what_no_file_names_no_project_takes() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("sub")).unwrap();
        std::fs::write(folder.path().join("sub/compose.yaml"), "ports: ['${TOKEN_OF_CI}']").unwrap();
        let env = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), "x".to_owned())).collect();
        let all: BTreeMap<String, String> = env(&["TOKEN_OF_CI", "TOKEN", "PROGRAM"]);
        assert_eq!(named_below(folder.path(), all.clone()), env(&["TOKEN_OF_CI", "TOKEN"]));
        std::fs::File::create(folder.path().join("huge")).unwrap().set_len(1 << 30).unwrap();
        assert_eq!(named_below(folder.path(), all.clone()), all, "too much to look at");
    }

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
            (&format!("ENV A={} é", tracer::word("verify-1", 3)), "ENV A=[redacted] é"),
            (&format!("{}!", tracer::beginning("verify-1")), "[redacted]!"),
            ("DB=hunter3!", "DB=[redacted]"),
            ("debug is true", "debug is true"),
            ("pass open-sesame", "pass [redacted]"),
            ("a taint on it, taint0123", "a taint on it, taint0123"),
            ("{\"auth\": \"eDpvcGVuLXNlc2FtZQ==\"}", "{\"auth\": \"eDp[redacted]Q==\"}"),
            ("6f70656e2d736573616d65 6F70656E2D736573616D65", "[redacted] [redacted]"),
            ("?q=a%22b%22c&r=hunter3%21", "?q=[redacted]&r=[redacted]"),
        ] {
            assert_eq!(redactor.text(text), expected);
        }
        assert_eq!(Redactor::for_values(&[]).text("as it is"), "as it is");
    }
}
