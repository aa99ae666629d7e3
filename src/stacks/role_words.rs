//! What names and texts say of roles: `templates/adopt.toml`.

use std::sync::LazyLock;

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Deserializer};

static WORDS: LazyLock<RoleWords> = LazyLock::new(|| {
    toml::from_str(include_str!("../../templates/adopt.toml")).expect("the file is in this binary, and a test reads it")
});

/// The words; read once.
#[must_use]
pub fn role_words() -> &'static RoleWords {
    &WORDS
}

/// What names and texts say of roles.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RoleWords {
    /// Words of names.
    pub words: NameWords,
    /// What says that a container is for development.
    pub for_dev: ForDev,
    /// What commands say.
    pub commands: CommandWords,
    /// Where a service says how it is.
    pub health: HealthWords,
    /// Where a service takes its port from.
    pub port: PortWords,
    /// What an answer may show.
    pub probe: ProbeWords,
}

/// Words of the names of stages and services.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NameWords {
    /// For development.
    pub dev: Vec<String>,
    /// For tests.
    pub test: Vec<String>,
    /// That make what is shipped.
    pub build: Vec<String>,
    /// That are shipped.
    pub production: Vec<String>,
    /// With tools to develop with.
    pub tools: Vec<String>,
    /// The repository's own service, the likeliest first.
    pub main: Vec<String>,
    /// What stands beside it.
    pub aside: Vec<String>,
}

/// What says that a container is for development.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForDev {
    /// Values of variables.
    pub values: Vec<String>,
    /// Parts of variables' names.
    pub names: Vec<String>,
}

/// What commands say.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommandWords {
    /// That it serves the source as it is edited.
    pub dev: WordPattern,
    /// That it runs tests.
    pub test: WordPattern,
}

/// Where a service says how it is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HealthWords {
    /// A path in a source.
    pub paths: WordPattern,
    /// The path in a healthcheck's command.
    pub probe: WordPattern,
    /// Paths that no source has.
    pub brought: Vec<BroughtPath>,
}

/// A path that answers because of a text in a file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BroughtPath {
    /// The file's name.
    pub files: WordPattern,
    /// The text.
    pub text: String,
    /// The path.
    pub path: String,
}

/// Where a service takes its port from.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortWords {
    /// A variable.
    pub variable: WordPattern,
    /// The number itself.
    pub number: WordPattern,
}

/// What an answer may show.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbeWords {
    /// A file has a route for `/`.
    pub route: WordPattern,
    /// A text that is answered.
    pub text: WordPattern,
}

/// A regular expression.
#[derive(Debug)]
pub struct WordPattern(pub Regex);

impl<'de> Deserialize<'de> for WordPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let built = RegexBuilder::new(&text).multi_line(true).build();
        built.map(Self).map_err(serde::de::Error::custom)
    }
}

impl RoleWords {
    /// Whether a variable says that a container is for development.
    #[must_use]
    pub fn is_for_dev(&self, name: &str, value: &str) -> bool {
        let ForDev { values, names } = &self.for_dev;
        values.iter().any(|own| own.eq_ignore_ascii_case(value)) || names.iter().any(|own| name.contains(own.as_str()))
    }
}

/// Whether a name has one of some words.
#[must_use]
pub fn has_word(name: &str, words: &[String]) -> bool {
    let mut own = name.split(|c: char| !c.is_ascii_alphanumeric());
    own.any(|own| words.iter().any(|word| word.eq_ignore_ascii_case(own)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_ports_and_commands_are_told_from_others() {
        let words = role_words();
        for (text, path) in [
            (r#"app.get("/healthz", f)"#, Some("/healthz")),
            ("@app.route('/api/v1/health')", Some("/api/v1/health")),
            ("r.GET(`/ping`, f)", Some("/ping")),
            ("\"/upload\"", None),
            ("\"/pinging\"", None),
        ] {
            let found = words.health.paths.0.captures(text).map(|found| found[1].to_owned());
            assert_eq!(found.as_deref(), path, "{text}");
        }
        for (text, variable) in [
            ("process.env.PORT || 3000", Some("PORT")),
            ("os.environ.get(\"PORT\", 5000)", Some("PORT")),
            ("os.Getenv(\"HTTP_PORT\")", Some("HTTP_PORT")),
            ("server.port=${PORT:8080}", Some("PORT")),
            ("process.env.EXPORT_DIR", None),
            ("os.environ['DB_PORT']", None),
        ] {
            let found = words.port.variable.0.captures(text);
            let found = found.and_then(|found| found.get(1).or(found.get(2)).map(|one| one.as_str().to_owned()));
            assert_eq!(found.as_deref(), variable, "{text}");
        }
        for (text, is_dev) in [
            ("flask run --debug", true),
            ("npm run dev", true),
            ("uvicorn app:app --reload", true),
            ("gunicorn app:app", false),
            ("node server.js", false),
        ] {
            assert_eq!(words.commands.dev.0.is_match(text), is_dev, "{text}");
        }
        assert!(has_word("node-builder", &words.words.build) && !has_word("rebuilder", &words.words.build));
    }
}
