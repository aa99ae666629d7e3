//! Environment files that bundlers read while they build: what such a file sets is written into what every visitor gets.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::text;

/// What bundlers publish.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Published {
    /// The manifest that names the bundler.
    pub manifest: String,
    /// How the names of files end that are one host's alone.
    pub local: String,
    /// How the names of variables begin, and the packages that publish those.
    pub prefixes: BTreeMap<String, Vec<String>>,
    /// Variables that only set the bundler.
    pub settings: Vec<String>,
}

impl Published {
    /// Whether an environment file sets nothing but what the bundler publishes that the manifest beside it names: then it is
    /// source of the build. A file that is one host's alone, that cannot be read, or that has other lines than variables and comments, is not.
    #[must_use]
    pub fn is_all_of(&self, file: &Path) -> bool {
        if file.to_string_lossy().ends_with(&self.local) {
            return false;
        }
        let manifest = text::read_text(&file.with_file_name(&self.manifest), text::SMALL).unwrap_or_default();
        let file = text::read_text(file, text::SMALL).unwrap_or_default();
        self.fits(&file, &manifest)
    }

    fn fits(&self, file: &str, manifest: &str) -> bool {
        let is_named = |package: &String| manifest.contains(&format!("\"{package}\""));
        let prefixes: Vec<&str> = self
            .prefixes
            .iter()
            .filter_map(|(prefix, packages)| packages.iter().any(is_named).then_some(prefix.as_str()))
            .collect();
        let is_published = |name: &&str| prefixes.iter().any(|prefix| name.starts_with(prefix));
        let fits = |name: &&str| is_published(name) || self.settings.iter().any(|own| own == name);
        set_variables(file).is_some_and(|names| names.iter().any(is_published) && names.iter().all(fits))
    }
}

/// The variables that a file sets in lines `NAME=VALUE`, with or without `export`; none if a line is anything else but a comment.
#[must_use]
pub fn set_variables(file: &str) -> Option<Vec<&str>> {
    let lines = file.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let is_name = |name: &&str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    lines
        .map(|line| Some(line.strip_prefix("export ").unwrap_or(line).split_once('=')?.0.trim()).filter(is_name))
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::stacks::ecosystem;

    #[test]
    fn a_file_is_published_where_the_bundler_of_its_project_publishes_all() {
        let published = &ecosystem().published;
        let (site, server) = ("{\"devDependencies\": {\"vite\": \"^6\"}}", "{\"dependencies\": {\"fastify\": \"^5\"}}");
        assert!(published.fits("# of the site\nNODE_ENV=production\nexport VITE_API=https://a.example\n", site));
        for file in
            ["", "NODE_ENV=production\n", "VITE_API=a\nDATABASE_HOST=db\n", "REACT_APP_API=a\n", "VITE_A=\"a\nb\"\n"]
        {
            assert!(!published.fits(file, site), "{file:?}");
        }
        assert!(!published.fits("VITE_API=a\n", server) && !published.fits("PUBLIC_KEY=a\n", ""));
    }
}
