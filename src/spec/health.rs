//! Healthchecks, as images, compose.yaml and the engine have them.

use std::time::Duration;

/// How the engine finds out whether a container is healthy; what is not said is the image's, else the engine's default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Healthcheck {
    /// What is run.
    pub test: Option<HealthTest>,
    /// Between two probes.
    pub interval: Option<Duration>,
    /// For one probe.
    pub timeout: Option<Duration>,
    /// How long failures do not count.
    pub start_period: Option<Duration>,
    /// Between two probes in the start period (engines from API 1.44).
    pub start_interval: Option<Duration>,
    /// Failures in a row before it counts as unhealthy.
    pub retries: Option<u32>,
}

/// What a healthcheck runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HealthTest {
    /// Nothing, even if the image says what.
    None,
    /// A program, without a shell.
    Exec(Vec<String>),
    /// A line, by the image's shell.
    Shell(String),
}

impl HealthTest {
    /// Reads `["NONE"]`, `["CMD", "program", "argument"]` or `["CMD-SHELL", "line"]`; none for another form.
    #[must_use]
    pub fn parse(words: &[String]) -> Option<Self> {
        let (form, rest) = words.split_first()?;
        match form.as_str() {
            "NONE" => Some(Self::None),
            "CMD" => Some(Self::Exec(rest.to_vec())),
            "CMD-SHELL" => Some(Self::Shell(rest.join(" "))),
            _ => None,
        }
    }

    /// The form that [`HealthTest::parse`] reads.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        match self {
            Self::None => vec!["NONE".into()],
            Self::Exec(command) => [vec!["CMD".into()], command.clone()].concat(),
            Self::Shell(line) => vec!["CMD-SHELL".into(), line.clone()],
        }
    }

    /// The command on one line; empty if there is none.
    #[must_use]
    pub fn command(&self) -> String {
        match self {
            Self::None => String::new(),
            Self::Exec(command) => command.join(" "),
            Self::Shell(line) => line.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_survives_its_own_words() {
        for test in
            [HealthTest::None, HealthTest::Exec(vec!["a".into(), "b c".into()]), HealthTest::Shell("a b".into())]
        {
            assert_eq!(HealthTest::parse(&test.words()), Some(test));
        }
        assert_eq!(HealthTest::parse(&["curl".into()]), None);
        assert_eq!(HealthTest::parse(&[]), None);
    }
}
