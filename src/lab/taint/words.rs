//! Which values and secrets there are, and the word that stands for each.

use std::collections::BTreeMap;

use crate::lab::Lab;
use crate::lab::tracer::{forms, word};

/// What a word stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stands {
    /// A deployment's variable, and the value that it is declared with.
    Value(Option<String>),
    /// A secret variable.
    Secret,
    /// A file that is a secret, by its path in the context.
    File,
    /// A build secret, by its id.
    BuildSecret,
}

/// A value or secret, and its word.
#[derive(Debug, Clone)]
pub(crate) struct Taint {
    pub(crate) name: String,
    pub(crate) stands: Stands,
    pub(super) word: String,
}

impl Taint {
    pub(crate) fn is_secret(&self) -> bool {
        !matches!(self.stands, Stands::Value(_))
    }

    /// The value that a deployment's variable is declared with.
    pub(crate) fn value(&self) -> Option<&str> {
        match &self.stands {
            Stands::Value(value) => value.as_deref(),
            _ => None,
        }
    }

    /// As people call it.
    pub(crate) fn shown(&self) -> String {
        match self.stands {
            Stands::Value(_) => format!("the value of {}", self.name),
            Stands::Secret => format!("the secret {}", self.name),
            Stands::File => format!("the secret file {}", self.name),
            Stands::BuildSecret => format!("the build secret {}", self.name),
        }
    }

    #[cfg(test)]
    pub(crate) fn test(name: &str, stands: Stands, word: &str) -> Self {
        Self { name: name.into(), stands, word: word.into() }
    }
}

/// All words of a run, and the files of the context that hold them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Taints {
    pub(super) run: String,
    pub(crate) all: Vec<Taint>,
    /// The paths of the files in the context.
    pub(super) files: Vec<String>,
}

impl Taints {
    /// Those that the description declares.
    pub(crate) fn declared(lab: &Lab) -> Self {
        let mut taints = Self { run: lab.run.id().to_owned(), ..Self::default() };
        for deployment in &lab.subject.project.deployments {
            for (name, value) in &deployment.env {
                // PORT is a number that the service is started with, and no secret of any deployment.
                if name.as_str() != "PORT" {
                    let value = Some(value.to_string()).filter(|value| !value.is_empty());
                    taints.word(name.as_str(), Stands::Value(value));
                }
            }
            for secret in &deployment.secrets {
                taints.word(secret.as_str(), Stands::Secret);
            }
        }
        taints
    }

    /// The variables, as a host's environment that holds the words.
    pub(crate) fn environment(&self) -> BTreeMap<String, String> {
        let variables = self.all.iter().filter(|taint| is_variable(taint));
        variables.map(|taint| (taint.name.clone(), taint.word.clone())).collect()
    }

    /// The secret whose word is in a text.
    pub(crate) fn secret_in(&self, text: &str) -> Option<&str> {
        let mut secrets = self.all.iter().filter(|taint| taint.is_secret());
        secrets.find(|taint| text.contains(&taint.word)).map(|taint| taint.name.as_str())
    }

    /// The word of a name; a declared value stays one, whatever else its name looks like.
    pub(super) fn word(&mut self, name: &str, stands: Stands) -> String {
        let is_variable = |stands: &Stands| matches!(stands, Stands::Value(_) | Stands::Secret);
        let known = self.all.iter().find(|taint| {
            taint.name == name && (taint.stands == stands || is_variable(&taint.stands) && is_variable(&stands))
        });
        if let Some(known) = known {
            return known.word.clone();
        }
        let word = word(&self.run, self.all.len());
        self.all.push(Taint { name: name.to_owned(), stands, word: word.clone() });
        word
    }

    /// The word of a variable that is declared, or that has a secret's name.
    pub(super) fn variable(&mut self, name: &str) -> Option<String> {
        let declared = self.all.iter().find(|taint| taint.name == name && is_variable(taint));
        match declared {
            Some(declared) => Some(declared.word.clone()),
            None => is_secret_name(name).then(|| self.word(name, Stands::Secret)),
        }
    }

    /// What is searched for, and whose it is: each word as it is, in hexadecimal digits, and as base64, wherever in a
    /// text it begins.
    pub(super) fn needles(&self) -> Vec<(usize, Vec<u8>)> {
        let forms = |index: usize, taint: &Taint| forms(&taint.word).into_iter().map(move |form| (index, form));
        self.all.iter().enumerate().flat_map(|(index, taint)| forms(index, taint)).collect()
    }
}

pub(super) fn is_variable(taint: &Taint) -> bool {
    matches!(taint.stands, Stands::Value(_) | Stands::Secret)
}

/// Whether a variable of this name holds a secret itself, rather than say where it is, how long or what for.
pub(crate) fn is_secret_name(name: &str) -> bool {
    const LAST: &[&str] = &[
        "TOKEN",
        "SECRET",
        "PASSWORD",
        "PASSWD",
        "PASSPHRASE",
        "CREDENTIAL",
        "CREDENTIALS",
        "APIKEY",
        "API_KEY",
        "ACCESS_KEY",
        "PRIVATE_KEY",
        "SECRET_KEY",
        "SIGNING_KEY",
        "ENCRYPTION_KEY",
        "SECRET_KEY_BASE",
    ];
    let name = name.to_ascii_uppercase();
    LAST.iter().any(|last| name.strip_suffix(last).is_some_and(|rest| rest.is_empty() || rest.ends_with('_')))
}

/// Whether a value is one that no image holds by chance: an address, or long.
pub(crate) fn is_telling(value: &str) -> bool {
    value.len() >= 24 || value.contains("://") || value.contains('@')
}

/// Whether a declared value is one that no configuration holds by chance: a telling one, or one of several parts and a
/// number.
pub(crate) fn is_distinct(value: &str) -> bool {
    let of_parts = value.contains(['-', '_', '.', ':', '/']) && value.contains(|c: char| c.is_ascii_digit());
    is_telling(value) || value.len() >= 10 && of_parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_stand_anywhere_by_chance_tell_nothing() {
        for value in ["https://a.example", "me@example.com", "eu-central-7", "db.internal:5432"] {
            assert!(is_distinct(value), "{value}");
        }
        for value in ["production", "INFO", "json-lines", "4", "0.0.0.0", "2.5", "true"] {
            assert!(!is_distinct(value), "{value}");
        }
    }

    #[test]
    fn secrets_are_known_by_names_that_mean_the_secret_itself() {
        for name in
            ["TOKEN", "NPM_TOKEN", "DATABASE_PASSWORD", "aws_secret_access_key", "APP_SECRET_KEY_BASE", "X_API_KEY"]
        {
            assert!(is_secret_name(name), "{name}");
        }
        for name in
            ["PUBLIC_KEY_ID", "GPG_KEY", "TOKEN_FILE", "TOKEN_URL", "PASSWORD_MIN_LENGTH", "KEY", "BROKEN", "MYTOKEN"]
        {
            assert!(!is_secret_name(name), "{name}");
        }
    }
}
