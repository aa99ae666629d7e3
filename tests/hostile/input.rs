//! Hostile inputs as they are written down.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::watch::Arena;

/// One input.
#[derive(Clone)]
pub(super) struct Input {
    pub(super) name: String,
    pub(super) why: String,
    /// What `@` is in its texts.
    value: String,
    pub(super) env: BTreeMap<String, String>,
    pub(super) exits: Vec<i32>,
    pub(super) says: Option<String>,
    pub(super) never: Vec<String>,
    file: std::sync::Arc<File>,
}

/// `NAME.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// What is tried.
    why: String,
    /// Each is an input of its own, and stands where `@` is.
    #[serde(default)]
    each: Vec<String>,
    /// Commands of dockwright; `verify`, if left out.
    #[serde(default)]
    run: Vec<Vec<String>>,
    /// A reader of the library, instead of a command.
    reader: Option<String>,
    /// The exit codes that are right.
    #[serde(default = "refused_or_no_engine")]
    exits: Vec<i32>,
    /// What is said.
    says: Option<String>,
    /// What is never said.
    #[serde(default)]
    never: Vec<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    /// Files of the project, over the scaffold's.
    #[serde(default)]
    files: BTreeMap<String, Parts>,
    /// Texts that are put in the place of others in the scaffold's files.
    #[serde(default)]
    edits: Vec<Edit>,
    /// Links: name and target.
    #[serde(default)]
    links: BTreeMap<String, String>,
    /// Pipes.
    #[serde(default)]
    pipes: Vec<String>,
    /// Files that are one hole: name and length.
    #[serde(default)]
    holes: BTreeMap<String, u64>,
    /// Folders.
    #[serde(default)]
    folders: Vec<String>,
    /// How many folders lie one in another below the project.
    #[serde(default)]
    nested: usize,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    file: String,
    find: String,
    replace: Parts,
}

/// A text, or parts that are put together.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Parts {
    Text(String),
    Several(Vec<Part>),
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Part {
    Text(String),
    /// `{n}` is the number of the repetition, `{m}` the one after it.
    Repeated {
        repeat: String,
        times: usize,
    },
    /// Bytes that are no text.
    Bytes {
        bytes: Vec<u8>,
    },
}

fn refused_or_no_engine() -> Vec<i32> {
    vec![2, 3]
}

/// Those of a folder of `tests/hostile`.
pub(super) fn all(folder: &str) -> Vec<Input> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile").join(folder);
    let mut names: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    names.iter().flat_map(|path| read(path)).collect()
}

fn read(path: &Path) -> Vec<Input> {
    let text = fs::read_to_string(path).unwrap();
    let file: File = toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let file = std::sync::Arc::new(file);
    let name = path.file_stem().unwrap().to_string_lossy().into_owned();
    let values = if file.each.is_empty() { vec![String::new()] } else { file.each.clone() };
    let one = |(at, value): (usize, String)| {
        let put = |text: &String| text.replace('@', &value);
        Input {
            name: if file.each.is_empty() { name.clone() } else { format!("{name}-{at}") },
            why: file.why.clone(),
            env: file.env.iter().map(|(name, value)| (name.clone(), put(value))).collect(),
            exits: file.exits.clone(),
            says: file.says.as_ref().map(&put),
            never: file.never.clone(),
            file: file.clone(),
            value,
        }
    };
    values.into_iter().enumerate().map(one).collect()
}

impl Input {
    pub(super) fn commands(&self) -> Vec<Vec<String>> {
        if let Some(reader) = &self.file.reader {
            return vec![vec![format!("reader:{}", self.put(reader))]];
        }
        if self.file.run.is_empty() { vec![vec!["verify".to_owned()]] } else { self.file.run.clone() }
    }

    fn put(&self, text: &str) -> String {
        text.replace('@', &self.value)
    }

    fn bytes(&self, parts: &Parts) -> Vec<u8> {
        let parts = match parts {
            Parts::Text(text) => return self.put(text).into_bytes(),
            Parts::Several(parts) => parts,
        };
        let mut all = Vec::new();
        for part in parts {
            match part {
                Part::Text(text) => all.extend(self.put(text).into_bytes()),
                Part::Repeated { repeat, times } => {
                    let repeat = self.put(repeat);
                    for n in 0..*times {
                        let one = repeat.replace("{n}", &n.to_string()).replace("{m}", &(n + 1).to_string());
                        all.extend(one.into_bytes());
                    }
                }
                Part::Bytes { bytes } => all.extend(bytes),
            }
        }
        all
    }

    /// Makes the project in an arena.
    pub(super) fn lay_out(&self, arena: &Arena, scaffold: &Path) -> Result<(), String> {
        let project = arena.project();
        super::watch::copy(scaffold, &project);
        let told = |error: std::io::Error| error.to_string();
        let place = |name: &str| {
            let path = project.join(self.put(name));
            let _ = fs::remove_file(&path);
            fs::create_dir_all(path.parent().unwrap()).map_err(told).map(|()| path)
        };
        for edit in &self.file.edits {
            let path = project.join(self.put(&edit.file));
            let old = fs::read_to_string(&path).map_err(told)?;
            let (before, after) = old.split_once(&edit.find).ok_or_else(|| format!("{:?} is not there", edit.find))?;
            let new = arena.named(self.bytes(&edit.replace));
            fs::write(path, [before.as_bytes(), &new, after.as_bytes()].concat()).map_err(told)?;
        }
        for (name, parts) in &self.file.files {
            fs::write(place(name)?, arena.named(self.bytes(parts))).map_err(told)?;
        }
        for (name, target) in &self.file.links {
            let target = String::from_utf8_lossy(&arena.named(self.put(target).into_bytes())).into_owned();
            std::os::unix::fs::symlink(target, place(name)?).map_err(told)?;
        }
        for name in &self.file.pipes {
            let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
            rustix::fs::mkfifoat(rustix::fs::CWD, place(name)?, mode).map_err(|error| error.to_string())?;
        }
        for (name, length) in &self.file.holes {
            fs::File::create(place(name)?).and_then(|file| file.set_len(*length)).map_err(told)?;
        }
        for name in &self.file.folders {
            fs::create_dir_all(place(name)?).map_err(told)?;
        }
        if self.file.nested > 0 {
            fs::create_dir_all(project.join("d/".repeat(self.file.nested))).map_err(told)?;
        }
        Ok(())
    }
}
