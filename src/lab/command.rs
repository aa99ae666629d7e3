//! How a container starts: the words of its command, and where its programs are looked for.

use std::collections::BTreeMap;

use super::way::{Way, way};
use crate::compose::ComposeService;
use crate::engine::{FileTree, ImageInfo};
use crate::text::join;

/// Where programs are looked for if neither the image nor compose.yaml says it.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What the image and compose.yaml say together.
pub(crate) struct CommandLine<'a> {
    /// Entrypoint and command, one after the other.
    pub(crate) words: Vec<&'a str>,
    pub(crate) workdir: &'a str,
    /// Folders, in order.
    pub(crate) path: Vec<&'a str>,
    /// All variables.
    pub(crate) env: BTreeMap<&'a str, &'a str>,
}

/// A program of an image.
pub(crate) struct ImageProgram {
    pub(crate) way: Way,
    /// Which folder of PATH has it; none if it is named by its path.
    pub(crate) folder: Option<usize>,
}

impl<'a> CommandLine<'a> {
    pub(crate) fn of(service: &'a ComposeService, image: &'a ImageInfo) -> Self {
        let (config, settings) = (&image.config, &service.settings);
        let command = match (&settings.command, &settings.entrypoint) {
            (Some(command), _) => command.as_slice(),
            // An entrypoint of compose.yaml's own takes the image's command away.
            (None, Some(_)) => &[],
            (None, None) => &config.cmd,
        };
        let words = settings.entrypoint.as_ref().unwrap_or(&config.entrypoint).iter().chain(command);
        let own = settings.environment.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_deref()?)));
        let env: BTreeMap<&str, &str> =
            config.env.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain(own).collect();
        let workdir = settings.working_dir.as_deref().unwrap_or(&config.working_dir);
        Self::started(words.map(String::as_str).collect(), workdir, env)
    }

    /// A command that runs in a folder with these variables.
    pub(crate) fn started(words: Vec<&'a str>, workdir: &'a str, env: BTreeMap<&'a str, &'a str>) -> Self {
        Self { words, workdir, path: env.get("PATH").copied().unwrap_or(PATH).split(':').collect(), env }
    }

    /// The file that a word names, by its path or by its name in one of PATH's folders.
    pub(crate) fn find(&self, tree: &FileTree, word: &str) -> Option<ImageProgram> {
        if word.contains('/') {
            return Some(ImageProgram { way: way(tree, &join(self.workdir, word))?, folder: None });
        }
        let found = self.path.iter().map(|folder| way(tree, &join(folder, word)));
        let (folder, way) = found.enumerate().find_map(|(at, way)| Some((at, way?)))?;
        Some(ImageProgram { way, folder: Some(folder) })
    }
}
