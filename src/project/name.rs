//! Names of services and deployments: DNS labels.

use super::text::{shown, text_types};
use crate::error::{Error, Result};

text_types! {
    /// A service's name: lower-case letters, digits and single dashes, a letter first, at most 63 characters
    /// (an RFC 1123 label): it becomes an image name, a compose project, a DNS name.
    ServiceName;
    /// A deployment's name: as a service's, at most 50 characters, since `installation-NAME` is a compose
    /// service and so a DNS label too.
    DeploymentName;
}

/// What no service may be called, and why.
const RESERVED: &[(&[&str], &str)] = &[
    (
        &["dev", "dev-tools", "build", "service", "test", "installation"],
        "it is the name of a role, and the image would be taken for that role's",
    ),
    (&["dockwright"], "it is this tool's own, and its files could not be told apart"),
    (
        &["docker", "compose", "localhost", "scratch"],
        "container engines give that name a meaning of their own",
    ),
    (
        // learn.microsoft.com, "Naming Files, Paths, and Namespaces".
        &[
            "con", "prn", "aux", "nul", "com0", "com1", "com2", "com3", "com4", "com5", "com6",
            "com7", "com8", "com9", "lpt0", "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7",
            "lpt8", "lpt9",
        ],
        "Windows keeps it for a device, and no folder there can have it",
    ),
];

impl ServiceName {
    /// Takes a service's name; `reserved` are the names that its stack cannot use.
    ///
    /// # Errors
    /// What is no such name, each flaw with its own message and, where there is one, a name that would do.
    pub fn parse(text: &str, reserved: &[&str]) -> Result<Self> {
        let name = label(text, "service", 63)?;
        let taken = RESERVED.iter().find(|(names, _)| names.contains(&name)).map(|(_, why)| *why);
        let snake = name.replace('-', "_");
        let by_stack = reserved.iter().any(|word| *word == name || *word == snake);
        match taken.or(by_stack
            .then_some("the stack uses that name itself, and the code could not be told from it"))
        {
            None => Ok(Self(name.to_owned())),
            Some(why) => {
                Err(Error::description(format!("no service can be called {}: {why}", shown(name)))
                    .hint(format!(
                        "take a name that says what it serves, as {}",
                        shown(&spare(name))
                    )))
            }
        }
    }
}

impl DeploymentName {
    /// Takes a deployment's name.
    ///
    /// # Errors
    /// What is no such name.
    pub fn parse(text: &str) -> Result<Self> {
        label(text, "deployment", 50).map(|name| Self(name.to_owned()))
    }

    /// The name of the one deployment that there is where none is described.
    #[must_use]
    pub fn production() -> Self {
        Self("production".to_owned())
    }
}

/// Another name for a reserved one.
fn spare(name: &str) -> String {
    if name.ends_with("-service") || name == "service" {
        "orders".to_owned()
    } else {
        format!("{name}-service")
    }
}

/// Checks a name of `what`, of at most `most` characters.
fn label<'a>(text: &'a str, what: &str, most: usize) -> Result<&'a str> {
    let flaw = if text.is_empty() {
        Some("it is empty".to_owned())
    } else if text.len() > most && text.chars().all(in_label) {
        Some(format!(
            "it has {} characters, and at most {most} fit: it becomes part of DNS names, whose parts end at 63",
            text.len()
        ))
    } else if text.split(['/', '\\']).any(|part| part == "..") || text.contains(['/', '\\']) {
        Some("it is a name, not a path".to_owned())
    } else if let Some(c) = text
        .chars()
        .find(char::is_ascii_uppercase)
        .filter(|_| text.chars().all(|c| in_label(c.to_ascii_lowercase())))
    {
        Some(format!("`{c}` is upper case, which image names and DNS do not know"))
    } else if let Some(c) = text.chars().find(|c| !in_label(c.to_ascii_lowercase())) {
        Some(format!(
            "{} is none of a-z, 0-9 and `-`, which is all that image names and DNS share",
            shown(&c.to_string())
        ))
    } else if text.starts_with('-') {
        Some("a dash first would make it an option on every command line".to_owned())
    } else if !text.starts_with(|c: char| c.is_ascii_lowercase()) {
        Some("it begins with a digit, and no language lets a name of its own do so".to_owned())
    } else if text.ends_with('-') {
        Some("it ends with a dash".to_owned())
    } else if text.contains("--") {
        Some(
            "it has two dashes in a row, which image names allow but DNS keeps for itself (`xn--`)"
                .to_owned(),
        )
    } else {
        None
    };
    let Some(flaw) = flaw else { return Ok(text) };
    let error = Error::description(format!("{} cannot name a {what}: {flaw}", shown(text)));
    Err(match suggestion(text, most) {
        Some(name) => error.hint(format!("try {}", shown(&name))),
        None => error.hint(
            "take lower-case letters, digits and single dashes, a letter first, as \"orders\"",
        ),
    })
}

fn in_label(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'
}

/// The name that was probably meant: its letters and digits, a dash for all that is between.
fn suggestion(text: &str, most: usize) -> Option<String> {
    let words: Vec<String> = text
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    let name = words.join("-");
    let name = name.trim_start_matches(|c: char| !c.is_ascii_lowercase());
    let name = name[..name.len().min(most)].trim_end_matches('-');
    (name.len() > 1).then(|| name.to_owned())
}
