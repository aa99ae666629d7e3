//! Secrets that somebody wrote down: known by how they look, or by what is said of them beside them.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use regex::Regex;

use super::words::is_secret_name;
use crate::stacks::ecosystem;

/// A secret that was found; its text only serves to find its line, and no report has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Written {
    /// As people call it.
    pub(crate) what: String,
    pub(crate) text: String,
}

/// So much of a line is looked at, before and after what draws attention to it.
const AROUND: usize = 4000;

/// Endings of files that are configuration, in which `NAME: value` is an assignment.
const CONFIGURATION: &[&str] = &["yaml", "yml", "ini", "conf", "cfg", "properties", "toml", "env"];

/// Endings of files that people read; an address in them may be there to be filled in.
const PROSE: &[&str] = &["md", "rst", "adoc", "html", "htm"];

/// Passwords of nobody, in what explains how an address is written.
const GENERIC: &[&str] =
    &["password", "passwd", "pass", "pwd", "pw", "secret", "token", "postgres", "root", "guest", "admin"];

static ADDRESS: LazyLock<Regex> = LazyLock::new(|| {
    regex(r#"[A-Za-z][A-Za-z0-9+.-]*://([^\s/:@'"<>`]*):([^\s/@'"<>`]+)@(\[[^\]\s]+\]|[^\s/:'"<>`]+)"#)
});
static KEY: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"-----BEGIN (?:(?:RSA|DSA|EC|OPENSSH|PGP|SSH2) )?PRIVATE KEY(?: BLOCK)?-----((?:\\[rn]|[A-Za-z0-9+/=]|\s){40})",
    )
});
static HEADER: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r#"(?:[Aa]uthorization|AUTHORIZATION|[A-Za-z-]*-(?:[Tt]oken|TOKEN)|[Xx]-[Aa][Pp][Ii]-[Kk][Ee][Yy])["']?\s*:\s*["']?(?:(?:[Bb]earer|[Bb]asic|[Tt]oken)\s+)?([^\s"'\\]+)"#,
    )
});
static OPTION: LazyLock<Regex> =
    LazyLock::new(|| regex(r#"(?:^|[\s"\[,])--?([A-Za-z][A-Za-z0-9_-]*)(?:=|[\s"',]+)["']?([^\s"',]+)"#));
static ASSIGNED: LazyLock<Regex> =
    LazyLock::new(|| regex(r#"(?:^|[\s;&|("'])([A-Za-z_][A-Za-z0-9_]*)=["']?([^\s"';&|)]+)"#));
static LOGIN: LazyLock<Regex> = LazyLock::new(|| regex(r#"\s(?:-u|--user)[ =]?["']?[^\s:"'$]+:([^\s"']+)"#));
static SETTING: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r#"^\s*(?:export\s+|-\s+)?["']?([A-Za-z_][A-Za-z0-9_.-]*)["']?\s*[:=]\s*(?:"([^"]+)"|'([^']+)'|([^\s#"']+))\s*$"#,
    )
});

/// What draws attention: what is found in any file has one of them.
static SIGNS: LazyLock<AhoCorasick> = LazyLock::new(|| {
    let prefixes = ecosystem().written.prefixes.keys().map(String::as_str);
    AhoCorasick::new(["://", "PRIVATE KEY"].into_iter().chain(prefixes)).expect("a few short words")
});

/// The release's own `regex` ignores no case: tests are built with more of its features.
fn regex(text: &str) -> Regex {
    Regex::new(text).expect("it is written here, and a test uses it")
}

/// A secret in a file's content.
pub(crate) fn in_file(path: &str, content: &[u8]) -> Option<Written> {
    // A text has no zeros.
    if content[..content.len().min(8192)].contains(&0) {
        return None;
    }
    let name = path.rsplit('/').next().unwrap_or(path);
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    let endings = &ecosystem().endings;
    let source = [&endings.scripts, &endings.source, &endings.transpiled, &endings.compiled];
    let template = ["example", "sample", "template", "dist"].iter().any(|word| name.contains(word));
    let explains =
        template || PROSE.contains(&ending) || source.iter().any(|list| list.iter().any(|own| own == ending));
    let mut end = 0;
    for sign in SIGNS.find_iter(content) {
        if sign.start() < end {
            continue;
        }
        let is_key = sign.pattern().as_usize() == 1;
        let from = content[..sign.start()].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let line =
            content[sign.end()..].iter().position(|byte| *byte == b'\n').map_or(content.len(), |at| sign.end() + at);
        let from = from.max(sign.start().saturating_sub(AROUND));
        let to = if is_key { content.len() } else { line }.min(sign.end() + AROUND);
        // A key goes over many lines, and its own is looked at for nothing else.
        end = if is_key { sign.end() } else { to };
        let text = String::from_utf8_lossy(&content[from..to]);
        if let Some(found) = if is_key { key(&text) } else { address(&text, explains).or_else(|| token(&text)) } {
            return Some(found);
        }
    }
    let text = std::str::from_utf8(content).ok()?;
    if let Some(keys) = ecosystem().written.credentials.get(name) {
        return text.lines().find_map(|line| credential(line, keys));
    }
    let is_configuration = !template && (CONFIGURATION.contains(&ending) || name.starts_with(".env"));
    is_configuration.then(|| text.lines().find_map(setting)).flatten()
}

/// A secret in a command, as a history has it, or a label's or variable's value.
pub(crate) fn in_command(text: &str) -> Option<Written> {
    let named = |found: regex::Captures<'_>| {
        let name = found[1].replace('-', "_");
        let value = &found[2];
        // Some builds want a value of any kind, and are given a word.
        (is_secret_name(&name) && is_telling(value) && is_value(value))
            .then(|| Written { what: format!("a value of {}", &found[1]), text: value.to_owned() })
    };
    let login = || {
        let found = LOGIN.captures(text).filter(|_| text.contains("://"))?;
        is_value(&found[1]).then(|| Written { what: "a password of a login".to_owned(), text: found[1].to_owned() })
    };
    let header = || {
        let mut found = HEADER.captures_iter(text).filter(|found| is_value(&found[1]));
        found.next().map(|found| Written { what: "a token in a header".to_owned(), text: found[1].to_owned() })
    };
    in_value(text)
        .or_else(header)
        .or_else(|| ASSIGNED.captures_iter(text).find_map(named))
        .or_else(|| OPTION.captures_iter(text).find_map(named))
        .or_else(login)
}

/// A secret in a value that is not known by its name.
pub(crate) fn in_value(text: &str) -> Option<Written> {
    address(text, false).or_else(|| key(text)).or_else(|| token(text))
}

/// A password in an address. One of this very machine opens nothing elsewhere.
fn address(text: &str, explains: bool) -> Option<Written> {
    let mut all = ADDRESS.captures_iter(text).filter(|found| {
        let (user, password, host) = (&found[1], &found[2], &found[3]);
        let lower = password.to_lowercase();
        // Those of a database that is started for whoever develops.
        let generic = GENERIC.contains(&lower.as_str()) || user.eq_ignore_ascii_case(password);
        let generic = generic || explains && !is_telling(password);
        let here = ["localhost", "127.0.0.1", "[::1]"].contains(&host) || host.contains(['$', '{', '%']);
        !(here || generic || is_stand_in(password))
    });
    all.next().map(|found| Written { what: "a password in an address".to_owned(), text: found[2].to_owned() })
}

/// A private key that is not locked by a password.
fn key(text: &str) -> Option<Written> {
    let found = KEY.captures(text)?;
    let text = found[1].replace("\\n", "\n").replace("\\r", "\n");
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?.to_owned();
    Some(Written { what: "a private key".to_owned(), text: line })
}

/// A token that is known by how it begins.
fn token(text: &str) -> Option<Written> {
    ecosystem().written.prefixes.iter().find_map(|(prefix, least)| {
        text.match_indices(prefix.as_str()).find_map(|(at, _)| {
            let part = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
            let rest = &text[at + prefix.len()..];
            let rest = &rest[..rest.find(|c| !part(c)).unwrap_or(rest.len())];
            let whole = !text[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
            // One that only shows the form repeats a letter or two.
            let kinds: std::collections::BTreeSet<char> = rest.chars().collect();
            let real = rest.len() >= *least && kinds.len() > 7 && kinds.iter().any(char::is_ascii_digit);
            (whole && real).then(|| Written { what: format!("a token ({prefix}…)"), text: format!("{prefix}{rest}") })
        })
    })
}

/// A credential in a file that holds them: `key=value`, `key value`, `"key": "value"`, `<key>value</key>`.
fn credential(line: &str, keys: &[String]) -> Option<Written> {
    if line.trim_start().starts_with(['#', ';']) {
        return None;
    }
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    keys.iter().find_map(|key| {
        line.match_indices(key.as_str()).find_map(|(at, _)| {
            let rest = &line[at + key.len()..];
            if line[..at].ends_with(part) || rest.starts_with(part) || line[..at].ends_with('/') {
                return None;
            }
            let rest = rest.trim_start_matches(|c: char| c.is_whitespace() || "\"'=:>".contains(c));
            let rest = rest.strip_prefix("value=").unwrap_or(rest).trim_start_matches(['"', '\'']);
            let value = &rest[..rest.find(|c: char| c.is_whitespace() || "\"'<,;".contains(c)).unwrap_or(rest.len())];
            is_value(value).then(|| Written { what: format!("a value of {key}"), text: value.to_owned() })
        })
    })
}

/// A line of configuration that gives a secret's name a value that nobody would take for a word.
fn setting(line: &str) -> Option<Written> {
    let found = SETTING.captures(line)?;
    let value = found.get(2).or(found.get(3)).or(found.get(4))?.as_str();
    let name = found[1].replace(['.', '-'], "_");
    (is_telling(value) && is_secret_name(&name) && is_value(value))
        .then(|| Written { what: format!("a value of {}", &found[1]), text: value.to_owned() })
}

/// Whether nobody would take a value for a word.
fn is_telling(value: &str) -> bool {
    value.len() >= 6
        && !value.contains(char::is_whitespace)
        && value.contains(|c: char| c.is_ascii_digit())
        && value.contains(|c: char| c.is_ascii_alphabetic())
}

/// Whether a value is a secret's own, rather than a place, a switch, a number or a stand-in.
fn is_value(value: &str) -> bool {
    is_literal(value) && !is_stand_in(value)
}

/// Whether a value is a secret's own, rather than a place, a switch or a number.
pub(crate) fn is_literal(value: &str) -> bool {
    let place = value.starts_with(['/', '.', '$']) || value.starts_with("file:");
    let switch =
        ["true", "false", "yes", "no", "on", "off", "none", "null"].contains(&value.to_ascii_lowercase().as_str());
    !(value.is_empty() || place || switch || value.parse::<f64>().is_ok())
}

/// Whether a value stands for another one, or for none at all.
fn is_stand_in(value: &str) -> bool {
    let lower = value.to_lowercase();
    let mut words = lower.split(|c: char| !c.is_ascii_alphanumeric());
    value.contains(['$', '{', '<', '*', '%', '`', '…']) && !is_escaped(value)
        || value.contains("...")
        || words.any(|word| {
            let bare = word.trim_end_matches(|c: char| c.is_ascii_digit());
            ecosystem().written.placeholders.iter().any(|own| own == word || own == bare)
        })
}

/// Whether all that is unusual in a password of an address is written as hexadecimal digits.
fn is_escaped(value: &str) -> bool {
    let mut parts = value.split('%').skip(1);
    let escapes = |part: &str| part.len() > 1 && part.as_bytes()[..2].iter().all(u8::is_ascii_hexdigit);
    value.contains('%') && !value.contains(['$', '{', '<', '*', '`', '…']) && parts.all(escapes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = "MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF";

    #[test]
    fn what_is_written_down_in_a_file_is_found_and_what_only_shows_the_form_is_not() {
        let key = format!("-----BEGIN PRIVATE KEY-----\n{BODY}\n-----END PRIVATE KEY-----\n");
        let json = format!("{{\"type\": \"x\", \"private_key\": \"{}\"}}", key.replace('\n', "\\n"));
        let token = "ghp_16C7e42F292c6912E7710c838347Ae178B4a";
        for (path, text, what) in [
            (
                "/etc/pip.conf",
                "[global]\nindex-url = https://ci:hunter2@pypi.example/simple\n",
                "a password in an address",
            ),
            (
                "/etc/pip.conf",
                "[global]\nindex-url = https://ci:p%40ss@pypi.example/simple\n",
                "a password in an address",
            ),
            ("/srv/app/key.json", &json, "a private key"),
            ("/srv/app/any", &key, "a private key"),
            ("/srv/app/a.py", &format!("x = '{token}'"), "a token (ghp_…)"),
            ("/root/.npmrc", "//r.example/:_authToken=abc-def\n", "a value of _authToken"),
            ("/root/.netrc", "machine r.example login ci password hunter2\n", "a value of password"),
            ("/root/.m2/settings.xml", "<password>hunter2</password>", "a value of password"),
            ("/root/.cargo/credentials.toml", "[registry]\ntoken = \"abc\"\n", "a value of token"),
            ("/root/.git-credentials", "https://ci:hunter2@git.example\n", "a password in an address"),
            ("/srv/app/config.yaml", "db:\n  password: hunter2\n", "a value of password"),
        ] {
            let found = in_file(path, text.as_bytes());
            assert_eq!(found.map(|found| found.what).as_deref(), Some(what), "{path}: {text}");
        }
        for (path, text) in [
            ("/srv/app/README.md", "postgres://user:password@db.example/x"),
            ("/srv/app/compose.yaml", "DATABASE_URL: postgres://app:app@db/app, redis://:secret@redis/0"),
            ("/srv/app/.env.example", "DATABASE_URL=postgres://app:choose@db.example/app\nAPI_TOKEN=abc123\n"),
            ("/srv/app/a.py", "# https://<user>:<password>@host, https://%s:%s@host, https://ci:${TOKEN}@host"),
            ("/srv/app/a.py", "HEAD = '-----BEGIN PRIVATE KEY-----'\nEND = '-----END PRIVATE KEY-----'\n"),
            (
                "/srv/app/a.py",
                "url = 'postgres://app:app1@localhost/test'\nghp_ = 'ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'",
            ),
            ("/srv/app/cert.pem", &format!("-----BEGIN CERTIFICATE-----\n{BODY}\n-----END CERTIFICATE-----\n")),
            ("/srv/app/en.json", "{\"password\": \"Password\"}"),
            ("/srv/app/config.yaml", "password: ${PASSWORD}\ntoken: /run/secrets/token\nsecret: changeme1\n"),
            ("/root/.npmrc", "//r.example/:_authToken=${NPM_TOKEN}\nregistry=https://r.example/\n"),
            ("/srv/app/a.js", "fetch('https://r.example:8443/@scope/a')"),
        ] {
            assert_eq!(in_file(path, text.as_bytes()), None, "{path}: {text}");
        }
    }

    #[test]
    fn what_is_written_down_in_a_command_is_found_and_what_comes_from_elsewhere_is_not() {
        for text in [
            "RUN /bin/sh -c curl -H \"Authorization: Bearer abcdef0815\" https://r.example # buildkit",
            "RUN /bin/sh -c login --password hunter2 # buildkit",
            "RUN /bin/sh -c INDEX_TOKEN=hunter2 fetch",
            "RUN |1 INDEX_TOKEN=hunter2 /bin/sh -c fetch",
            "RUN /bin/sh -c curl -u ci:hunter2 https://r.example",
            "CMD [\"serve\" \"--api-key\" \"abc123\"]",
            "ENV PIP_INDEX_URL=https://ci:hunter2@pypi.example/simple",
        ] {
            assert!(in_command(text).is_some(), "{text}");
        }
        for text in [
            "RUN /bin/sh -c curl -H \"Authorization: Bearer $(cat /run/secrets/t)\" https://r.example",
            "RUN /bin/sh -c login --password-stdin --token \"$TOKEN\" --password-file /run/x",
            "RUN /bin/sh -c SECRET_KEY=build-only python manage.py collectstatic",
            "RUN /bin/sh -c SECRET_KEY=collectstatic python manage.py collectstatic",
            "RUN |1 INDEX_TOKEN=none /bin/sh -c fetch",
            "RUN /bin/sh -c useradd -u 1000 app && chown app:app /srv",
            "ARG INDEX_TOKEN",
            "RUN /bin/sh -c TOKEN=\"$(cat /run/secrets/t)\" fetch https://r.example:8443/a",
        ] {
            assert_eq!(in_command(text), None, "{text}");
        }
    }
}
