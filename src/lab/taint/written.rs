//! Secrets that somebody wrote down: known by how they look, or by what is said of them beside them.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use regex::Regex;

use super::encoded::is_private_key;
use super::settings::{credential, describes, setting};
use super::value::{WrittenSecret, is_literal, is_stand_in, is_telling, is_value, regex};
use super::words::is_secret_name;
use crate::stacks::ecosystem;

/// So much of a line is looked at, before and after what draws attention to it.
const AROUND: usize = 4000;

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
static ACCOUNT: LazyLock<Regex> =
    LazyLock::new(|| regex(r#"["'\s][a-z_][a-z0-9_-]*:([^\s"':]+)["']?\s*\|\s*(?:\S*/)?chpasswd\b"#));

/// What draws attention: what is found in any file has one of them.
static SIGNS: LazyLock<AhoCorasick> = LazyLock::new(|| {
    let prefixes = ecosystem().written.prefixes.keys().map(String::as_str);
    AhoCorasick::new(["://", "PRIVATE KEY"].into_iter().chain(prefixes)).expect("a few short words")
});

/// A secret in a file's content.
pub(crate) fn in_file(path: &str, content: &[u8]) -> Option<WrittenSecret> {
    if is_private_key(content) {
        // What it is made of stands in no other file.
        return Some(WrittenSecret { what: "a private key".to_owned(), text: path.to_owned() });
    }
    // A text has no zeros.
    if content[..content.len().min(8192)].contains(&0) {
        return None;
    }
    let name = path.rsplit('/').next().unwrap_or(path);
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    let endings = &ecosystem().endings;
    let source = [&endings.scripts, &endings.source, &endings.transpiled, &endings.compiled];
    let written = &ecosystem().written;
    let among = |list: &[String]| list.iter().any(|own| own == ending);
    let template = written.templates.iter().any(|word| name.contains(word.as_str()));
    let explains = template || among(&written.prose) || source.iter().any(|list| list.iter().any(|own| own == ending));
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
    let is_own =
        |own: &&String| path.strip_suffix(own.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'));
    let keys: Vec<&str> = written
        .credentials
        .iter()
        .filter(|(own, _)| is_own(own))
        .flat_map(|(_, keys)| keys)
        .map(String::as_str)
        .collect();
    if !keys.is_empty() {
        return text.lines().find_map(|line| credential(line, &keys));
    }
    let is_configuration = !template && !describes(text) && (among(&written.configuration) || name.starts_with(".env"));
    is_configuration.then(|| text.lines().find_map(setting)).flatten()
}

/// A secret in a command by which a container starts or is looked at. A variable that it sets is one, whatever the word, as
/// it is where the environment says so; so is the password of an option.
pub(crate) fn in_start(text: &str) -> Option<WrittenSecret> {
    let named = |found: regex::Captures<'_>| {
        (is_secret_name(&found[1].replace('-', "_")) && is_value(&found[2])).then(|| a_value_of(&found[1], &found[2]))
    };
    let password = |found: &regex::Captures<'_>| found[1].to_ascii_lowercase().ends_with("password");
    in_command(text)
        .or_else(|| ASSIGNED.captures_iter(text).find_map(named))
        .or_else(|| OPTION.captures_iter(text).filter(password).find_map(named))
}

fn a_value_of(name: &str, value: &str) -> WrittenSecret {
    WrittenSecret { what: format!("a value of {name}"), text: value.to_owned() }
}

/// A secret in a command, as a history has it, or a label's or variable's value.
pub(crate) fn in_command(text: &str) -> Option<WrittenSecret> {
    let named = |found: regex::Captures<'_>| {
        let name = found[1].replace('-', "_");
        let value = &found[2];
        // Some builds want a value of any kind, and are given a word.
        (is_secret_name(&name) && is_telling(value) && is_value(value)).then(|| a_value_of(&found[1], value))
    };
    let login = || {
        let found = LOGIN.captures(text).filter(|_| text.contains("://"))?;
        is_value(&found[1])
            .then(|| WrittenSecret { what: "a password of a login".to_owned(), text: found[1].to_owned() })
    };
    let account = || {
        let found = ACCOUNT.captures(text).filter(|found| is_literal(&found[1]) && !found[1].contains('$'))?;
        Some(WrittenSecret { what: "a password of an account".to_owned(), text: found[1].to_owned() })
    };
    let header = || {
        let mut found = HEADER.captures_iter(text).filter(|found| is_value(&found[1]));
        found.next().map(|found| WrittenSecret { what: "a token in a header".to_owned(), text: found[1].to_owned() })
    };
    in_value(text)
        .or_else(header)
        .or_else(|| ASSIGNED.captures_iter(text).find_map(named))
        .or_else(|| OPTION.captures_iter(text).find_map(named))
        .or_else(login)
        .or_else(account)
}

/// A secret in a value that is not known by its name.
pub(crate) fn in_value(text: &str) -> Option<WrittenSecret> {
    address(text, false).or_else(|| key(text)).or_else(|| token(text))
}

/// A password in an address. One of this very machine opens nothing elsewhere.
fn address(text: &str, explains: bool) -> Option<WrittenSecret> {
    let mut all = ADDRESS.captures_iter(text).filter(|found| {
        let (user, password, host) = (&found[1], &found[2], &found[3]);
        let lower = password.to_lowercase();
        // Those of a database that is started for whoever develops.
        let generic = ecosystem().written.generic.contains(&lower) || user.eq_ignore_ascii_case(password);
        let generic = generic || explains && !is_telling(password);
        let here = ["localhost", "127.0.0.1", "[::1]"].contains(&host) || host.contains(['$', '{', '%']);
        !(here || generic || is_stand_in(password))
    });
    all.next().map(|found| WrittenSecret { what: "a password in an address".to_owned(), text: found[2].to_owned() })
}

/// A private key that is not locked by a password.
fn key(text: &str) -> Option<WrittenSecret> {
    let found = KEY.captures(text)?;
    let text = found[1].replace("\\n", "\n").replace("\\r", "\n");
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?.to_owned();
    Some(WrittenSecret { what: "a private key".to_owned(), text: line })
}

/// A token that is known by how it begins.
fn token(text: &str) -> Option<WrittenSecret> {
    ecosystem().written.prefixes.iter().find_map(|(prefix, least)| {
        text.match_indices(prefix.as_str()).find_map(|(at, _)| {
            let part = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
            let rest = &text[at + prefix.len()..];
            let rest = &rest[..rest.find(|c| !part(c)).unwrap_or(rest.len())];
            let whole = !text[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
            // One that only shows the form repeats a letter or two.
            let kinds: std::collections::BTreeSet<char> = rest.chars().collect();
            let real = rest.len() >= *least && kinds.len() > 7 && kinds.iter().any(char::is_ascii_digit);
            (whole && real)
                .then(|| WrittenSecret { what: format!("a token ({prefix}…)"), text: format!("{prefix}{rest}") })
        })
    })
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
            ("/root/.docker/config.json", "{\"auths\": {\"r\": {\"auth\": \"Y2k6aHVudGVyMg==\"}}}", "a value of auth"),
            ("/srv/app/config.yaml", "db:\n  password: hunter2\n", "a value of password"),
            ("/srv/app/settings.json", "{\n  \"dbPassword\": \"hunter2\",\n  \"port\": 1\n}", "a value of dbPassword"),
            ("/srv/app/a.properties", "db.password = hunter2\n", "a value of db.password"),
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
            ("/srv/app/config.json", "{\"auth\": \"/login\", \"auths\": {}}"),
            ("/srv/app/en.json", "{\"password\": \"Password\"}"),
            ("/srv/app/config.yaml", "password: ${PASSWORD}\ntoken: /run/secrets/token\nsecret: changeme1\n"),
            ("/srv/app/api.json", "{\"openapi\": \"3.1.0\",\n  \"password\": \"s3cretPass\"\n}"),
            ("/srv/app/api.yaml", "openapi: 3.1.0\nexample:\n  password: s3cretPass\n"),
            ("/srv/app/c.yaml", "tokenUrl: https://login.example/oauth2/v1\nsecretName: orders-db-2\n"),
            ("/root/.npmrc", "//r.example/:_authToken=${NPM_TOKEN}\nregistry=https://r.example/\n"),
            ("/srv/app/a.js", "fetch('https://r.example:8443/@scope/a')"),
        ] {
            assert_eq!(in_file(path, text.as_bytes()), None, "{path}: {text}");
        }
    }

    #[test]
    fn a_command_that_starts_a_container_gives_no_secret_a_value_of_any_kind() {
        for text in [
            "sh -c PASSWORD=correct-horse-battery exec serve",
            "env API_TOKEN=letmein serve",
            "serve --db-password correct-horse-battery",
        ] {
            assert!(in_start(text).is_some() && in_command(text).is_none(), "{text}");
        }
        for text in [
            "sh -c PASSWORD=$(cat /run/secrets/p) exec serve",
            "env API_TOKEN_FILE=/run/secrets/t serve",
            "serve --db-password-file /run/secrets/p --token-type bearer --secret orders-db",
            "env PASSWORD= serve",
        ] {
            assert_eq!(in_start(text), None, "{text}");
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
            "RUN /bin/sh -c echo \"root:Zk28fmQ1xT\" | chpasswd # buildkit",
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
            "RUN /bin/sh -c echo \"app:$(cat /run/secrets/p)\" | chpasswd && echo \"app:$PASSWORD\" | chpasswd",
            "RUN /bin/sh -c TOKEN=\"$(cat /run/secrets/t)\" fetch https://r.example:8443/a",
        ] {
            assert_eq!(in_command(text), None, "{text}");
        }
    }
}
