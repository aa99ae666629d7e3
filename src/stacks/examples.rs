//! What messages and the JSON Schema have for examples: `templates/examples.toml`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

static EXAMPLES: LazyLock<Examples> = LazyLock::new(|| {
    toml::from_str(include_str!("../../templates/examples.toml"))
        .expect("the file is in this binary, and a test reads it")
});

/// The examples; read once.
#[must_use]
pub fn examples() -> &'static Examples {
    &EXAMPLES
}

/// Values of dockwright.toml as a service of one stack may have them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Examples {
    /// A stack.
    pub stack: String,
    /// A package manager.
    pub manager: String,
    /// A framework of the stack.
    pub framework: String,
    /// A version of the language.
    pub version: String,
    /// A range of versions.
    pub range: String,
    /// A dependency that needs Debian packages.
    pub library: String,
    /// What a service reads beside its code.
    pub carries: Vec<String>,
    /// What production runs on.
    pub runtime: String,
    /// What build compiles on.
    pub build: String,
    /// What starts a service.
    pub command: Vec<String>,
    /// A file of the source.
    pub file: String,
    /// A shell line that installs a tool.
    pub install: String,
    /// A tool, and the command that shows that it runs.
    pub tools: BTreeMap<String, Vec<String>>,
    /// The same tool, and what it does on a project.
    pub work: BTreeMap<String, Vec<String>>,
}

impl Examples {
    /// An image in a registry of one's own.
    #[must_use]
    pub fn in_registry(image: &str) -> String {
        format!("registry.example.com/{image}")
    }

    /// The tool as a line of dockwright.toml.
    #[must_use]
    pub fn tool(&self) -> String {
        let lines: Vec<String> = self.tools.iter().map(|(name, command)| format!("{name} = {command:?}")).collect();
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_are_of_a_stack_that_there_is() {
        let examples = examples();
        let stack = super::super::find(&examples.stack).unwrap();
        assert!(stack.managers.contains_key(&examples.manager));
        let options = super::super::embedded().options(&examples.stack).unwrap();
        assert!(options.frameworks.contains(&examples.framework) && options.libraries.contains(&examples.library));
        assert!(stack.versions.contains(&examples.version));
        assert!(!examples.tool().is_empty() && !examples.tool().contains('\n'), "one tool is an example");
        for text in [&examples.runtime, &examples.build] {
            assert!(stack.images.runtime.split(':').next() == text.split(':').next(), "{text}");
        }
    }
}
