//! docs/COMPOSE.md is written from the tables that the readers use; `DOCKWRIGHT_BLESS=1` writes it anew. What Compose knows
//! is in `tests/cases/compose-keys.txt`, a line for each key of its schema (Compose 2.40): the mapping, and the key.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use dockwright::compose::{Fate, key_sections};
use dockwright::engine::{CliSetting, SETTINGS, VARIABLES};

use super::support::repository;

const HEAD: &str = "# Compose and the docker CLI

`dockwright verify` starts what compose.yaml describes, with what the docker CLI is configured to do. This page has every
key of the compose specification (the schema of Compose 2.40) and every setting of the CLI, each with what becomes of it. It
is written by a test from the tables that the readers use.

- **honoured**: builds and containers get it.
- **no effect**: it changes nothing of what is verified.
- Anything else is the reason why it cannot be honoured. Contracts that need the service are then inconclusive, and name the
  key; nothing is left out without a word.

Five things differ from `docker compose up` on purpose: host ports are free ones of the loopback interface, networks and
volumes are the run's own, the project is a copy, nothing restarts, and only the last 128 MB of a container's log are kept
(`json-file`, whatever the engine's log driver is). Images that compose.yaml names are pulled if the engine
does not have them, as `pull_policy` says; what it builds is built, services that are no role included.

A registry that says that an image does not exist is the project's fault (`scaffold.builds` fails, exit code 1). One that does
not answer, or refuses the credentials, is not (exit code 3). Which registries are mirrors or insecure is the engine's own
configuration, and holds here, too.
";

/// Compose's own variables of the environment.
const COMPOSE_VARIABLES: &[CliSetting] = &[
    ("COMPOSE_FILE", true, "the files, in order; paths in all of them start from the folder of the first"),
    ("COMPOSE_PATH_SEPARATOR", true, "what is between them"),
    ("COMPOSE_PROJECT_NAME", true, "the name that compose.yaml can interpolate"),
    ("COMPOSE_ENV_FILES", true, "read instead of `.env`"),
    ("COMPOSE_DISABLE_ENV_FILE", true, "`.env` is not read"),
    ("COMPOSE_PROFILES", true, "in `.env`, the profiles that everybody starts (`dev-tools.optional`)"),
    ("COMPOSE_CONVERT_WINDOWS_PATHS", false, "paths are read as the system writes them"),
    ("COMPOSE_ANSI", false, "output of Compose only"),
    ("COMPOSE_BAKE", false, "how Compose itself builds"),
    ("COMPOSE_EXPERIMENTAL", false, "commands of Compose only"),
    ("COMPOSE_IGNORE_ORPHANS", false, "dockwright starts no project of Compose"),
    ("COMPOSE_MENU", false, "output of Compose only"),
    ("COMPOSE_PARALLEL_LIMIT", false, "dockwright decides by the engine's processors"),
    ("COMPOSE_PROGRESS", false, "output of Compose only"),
    ("COMPOSE_REMOVE_ORPHANS", false, "dockwright removes only what it made"),
    ("COMPOSE_STATUS_STDOUT", false, "output of Compose only"),
];

/// What a mapping is called here, where the schema's own word says little.
const TITLES: &[(&str, &str)] = &[
    ("top", "The top level"),
    ("service", "A service"),
    ("env_file", "An entry of `env_file`"),
    ("service_config_or_secret", "A secret or config of a service"),
    ("ulimits.*", "An entry of `ulimits`"),
    ("healthcheck", "`healthcheck`"),
    ("deployment", "`deploy`"),
    ("network", "A network"),
    ("volume", "A volume"),
    ("secret", "A secret"),
    ("config", "A config"),
];

/// Mappings that the schema defines by themselves: the key that they belong to.
const BELONG: &[(&str, &str, &str)] = &[
    ("development", "service", "develop"),
    ("generic_resources", "deployment.resources.reservations", "generic_resources"),
    ("devices", "deployment.resources.reservations", "devices"),
    ("gpus", "service", "gpus"),
    ("model", "top", "models"),
    ("service_hook", "service", "post_start"),
    ("blkio_limit", "service", "blkio_config"),
    ("blkio_weight", "service", "blkio_config"),
];

fn page() -> String {
    let mut text = HEAD.to_owned();
    for section in key_sections() {
        let title = TITLES.iter().find(|(name, _)| *name == section.name).map(|(_, title)| (*title).to_owned());
        let title = title.unwrap_or_else(|| format!("`{}`", section.name.trim_end_matches(".*")));
        let _ = write!(text, "\n## {title}\n\n| key | |\n| --- | --- |\n");
        for (key, fate) in &section.keys {
            let what = match fate {
                Fate::Honoured => "honoured",
                Fate::WithoutEffect => "no effect",
                Fate::Named(why) => why,
            };
            let _ = writeln!(text, "| `{key}` | {what} |");
        }
    }
    for (title, settings) in [
        ("The CLI's `config.json`", SETTINGS),
        ("The CLI's variables", VARIABLES),
        ("Compose's variables", COMPOSE_VARIABLES),
    ] {
        let _ = write!(text, "\n## {title}\n\n| setting | honoured | |\n| --- | --- | --- |\n");
        for (name, honoured, what) in settings {
            let _ = writeln!(text, "| `{name}` | {} | {what} |", if *honoured { "yes" } else { "no" });
        }
    }
    text
}

#[test]
fn the_page_of_compose_is_what_the_readers_do() {
    let path = repository().join("docs/COMPOSE.md");
    let expected = page();
    if std::env::var_os("DOCKWRIGHT_BLESS").is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == expected, "docs/COMPOSE.md is not up to date: DOCKWRIGHT_BLESS=1 cargo nextest run compose_page");
}

#[test]
fn every_key_of_the_compose_specification_is_in_the_page() {
    let known: BTreeMap<&str, BTreeMap<&str, Fate>> =
        key_sections().into_iter().map(|section| (section.name, section.keys.into_iter().collect())).collect();
    let spec = std::fs::read_to_string(repository().join("tests/cases/compose-keys.txt")).unwrap();
    let spec: BTreeSet<(&str, &str)> = spec.lines().filter_map(|line| line.split_once(' ')).collect();
    assert!(spec.len() > 300, "the list of keys is whole");
    // A mapping without a table is left aside or named as a whole: by the key that it belongs to.
    let covered = |section: &str| {
        let mut section = section.to_owned();
        loop {
            let own = BELONG.iter().find(|(name, ..)| *name == section).map(|(_, above, key)| (*above, *key));
            let split = section.trim_end_matches(".*").rsplit_once('.');
            let Some((above, key)) = own.or(split) else { return false };
            match known.get(above).and_then(|keys| keys.get(key)) {
                Some(Fate::Honoured) => return key == "external",
                Some(_) => return true,
                None => section = above.to_owned(),
            }
        }
    };
    let missing: Vec<String> = spec
        .iter()
        .filter(|(section, key)| match known.get(section) {
            Some(keys) => !keys.contains_key(key),
            None => !covered(section),
        })
        .map(|(section, key)| format!("{section}: {key}"))
        .collect();
    assert!(missing.is_empty(), "no table says what becomes of {missing:#?}");
    for (section, keys) in &known {
        let invented = keys.keys().find(|key| !spec.contains(&(section, key)));
        assert!(invented.is_none(), "{section} has {invented:?}, which Compose does not know");
    }
}
