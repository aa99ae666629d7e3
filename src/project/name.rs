//! Names of services and deployments: DNS labels.

use super::text::{quoted, shown, text_types};
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
    (&["docker", "compose", "localhost", "scratch"], "container engines give that name a meaning of their own"),
    (
        // learn.microsoft.com, "Naming Files, Paths, and Namespaces".
        &[
            "con", "prn", "aux", "nul", "com0", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9",
            "lpt0", "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
        ],
        "Windows keeps it for a device, and no folder there can have it",
    ),
];

impl ServiceName {
    /// The letters and digits of a text as a name has them: lower-case, the rest single dashes, at most `most` bytes. It may be
    /// none, or one that is taken.
    #[must_use]
    pub fn plain(text: &str, most: usize) -> String {
        let text = text.to_lowercase();
        let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        let mut name = words.collect::<Vec<_>>().join("-");
        name.truncate(most);
        name.trim_end_matches('-').to_owned()
    }

    /// Takes a service's name; `reserved` are the names that its stack cannot use.
    ///
    /// # Errors
    /// What is no such name, each flaw with its own message and, where there is one, a name that would do.
    pub fn parse(text: &str, reserved: &[&str]) -> Result<Self> {
        let name = label(text, "service", 63)?;
        let taken = RESERVED.iter().find(|(names, _)| names.contains(&name)).map(|(_, why)| *why);
        let snake = name.replace('-', "_");
        let by_stack = reserved.iter().any(|word| *word == name || *word == snake);
        match taken.or(by_stack.then_some("the stack uses that name itself, and the code could not be told from it")) {
            None => Ok(Self(name.to_owned())),
            Some(why) => Err(Error::description(format!("no service can be called {}: {why}", shown(name)))
                .hint(format!("choose a name that says what it serves, such as {}", shown(&spare(name))))),
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
    if name.ends_with("-service") || name == "service" { "orders".to_owned() } else { format!("{name}-service") }
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
    } else if let Some(c) =
        text.chars().find(char::is_ascii_uppercase).filter(|_| text.chars().all(|c| in_label(c.to_ascii_lowercase())))
    {
        Some(format!("`{c}` is upper case, which image names and DNS do not know"))
    } else if text.contains(' ') {
        Some("image names and DNS know no spaces".to_owned())
    } else if let Some(c) = text.chars().find(|c| !in_label(c.to_ascii_lowercase())) {
        Some(format!(
            "{} is not one of a-z, 0-9 and `-`, which are all that image names and DNS share",
            shown(&c.to_string())
        ))
    } else if text.starts_with('-') {
        Some("a dash first would make it an option on every command line".to_owned())
    } else if !text.starts_with(|c: char| c.is_ascii_lowercase()) {
        Some("it begins with a digit, and a name in a program cannot".to_owned())
    } else if text.ends_with('-') {
        Some("it ends with a dash".to_owned())
    } else if text.contains("--") {
        Some("it has two dashes in a row, which image names allow but DNS keeps for itself (`xn--`)".to_owned())
    } else {
        None
    };
    let Some(flaw) = flaw else { return Ok(text) };
    let error = Error::description(format!("{} cannot name a {what}: {flaw}", shown(text)));
    Err(match suggestion(text, most) {
        Some(name) => error.hint(format!("try {}", quoted(name))),
        None => {
            error.hint("use lower-case letters, digits and single dashes, beginning with a letter, such as \"orders\"")
        }
    })
}

fn in_label(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'
}

/// The name that was probably meant: its letters and digits, a dash for all that is between.
fn suggestion(text: &str, most: usize) -> Option<String> {
    let words: Vec<String> = text
        .replace(['\'', '"', '`'], "")
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    let name = words.join("-");
    let name = name.trim_start_matches(|c: char| !c.is_ascii_lowercase());
    let name = name[..name.len().min(most)].trim_end_matches('-');
    (name.len() > 1).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_will_do() {
        let longest = "a".repeat(63);
        for name in ["orders", "a", "a1", "order-intake-2", "tests", "console", longest.as_str()] {
            assert_eq!(ServiceName::parse(name, &["json"]).unwrap().as_str(), name);
        }
    }

    #[test]
    fn names_that_will_not_and_what_is_said() {
        let long = "a".repeat(300);
        let long_words = "order ".repeat(50);
        for (name, part, suggested) in [
            ("", "it is empty", None),
            ("My App", "no spaces", Some("my-app")),
            ("Orders", "`O` is upper case", Some("orders")),
            ("-orders", "a dash first", Some("orders")),
            ("orders-", "ends with a dash", Some("orders")),
            ("or--ders", "two dashes", Some("or-ders")),
            ("1st-orders", "begins with a digit", Some("st-orders")),
            ("123", "begins with a digit", None),
            ("o_rders", r#""_" is not one of"#, Some("o-rders")),
            ("it's", r#""'" is not one of"#, Some("its")),
            ("a\"b", r#""\"" is not one of"#, Some("ab")),
            ("orders\n", r#""\n" is not one of"#, Some("orders")),
            ("$HOME", r#""$" is not one of"#, Some("home")),
            ("$(id)", r#""$" is not one of"#, Some("id")),
            ("..", "not a path", None),
            ("../orders", "not a path", Some("orders")),
            ("a/b", "not a path", Some("a-b")),
            ("C:\\orders", "not a path", Some("c-orders")),
            ("größe", r#""ö" is not one of"#, Some("gr-e")),
            ("订单", "is not one of", None),
            ("a\u{202E}b", r#""\u202E" is not one of"#, Some("a-b")),
            ("a\0b", r#""\u0000" is not one of"#, Some("a-b")),
            (&long, "300 characters", Some(&long[..63])),
            (&long_words, "no spaces", Some("order-order-order-order-order-order-order-order-order-order-ord")),
            ("dev", "the name of a role", Some("dev-service")),
            ("dev-tools", "the name of a role", Some("dev-tools-service")),
            ("service", "the name of a role", Some("orders")),
            ("test", "the name of a role", Some("test-service")),
            ("dockwright", "this tool's own", Some("dockwright-service")),
            ("docker", "container engines", Some("docker-service")),
            ("con", "Windows", Some("con-service")),
            ("nul", "Windows", Some("nul-service")),
            ("com1", "Windows", Some("com1-service")),
            ("json", "the stack uses that name", Some("json-service")),
            ("xml-parsers", "the stack uses that name", Some("xml-parsers-service")),
        ] {
            let error = ServiceName::parse(name, &["json", "xml_parsers"]).unwrap_err();
            assert!(error.message().contains(part), "{name:?}: {error}");
            let hint = error.hints().first().expect("a hint");
            match suggested {
                Some(suggested) => {
                    assert!(hint.ends_with(&quoted(suggested)), "{name:?}: {hint}");
                    assert!(ServiceName::parse(suggested, &["json"]).is_ok(), "{suggested} will not do either");
                }
                None => assert!(hint.starts_with("use lower-case letters"), "{name:?}: {hint}"),
            }
            assert!(!error.message().contains(['\n', '\0', '\u{202E}']), "{name:?} goes raw to the terminal");
        }
    }

    #[test]
    fn deployments_are_shorter() {
        assert!(DeploymentName::parse(&"a".repeat(50)).is_ok());
        assert!(DeploymentName::parse(&"a".repeat(51)).is_err());
        assert!(DeploymentName::parse("test").is_ok(), "installation-test clashes with nothing");
    }
}
