//! The project as another checkout has it: by a user with another umask, or by a git that writes CRLF.
#![expect(clippy::disallowed_methods, reason = "changes only a copy that nobody else has")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use globset::{GlobBuilder, GlobMatcher};

use super::leavings::is_foreign;
use super::obstacle::Attempt;
use super::rebuild::manifests;
use super::workcopy::WorkCopy;
use super::{Lab, images};
use crate::dockerfile::InstructionKind;
use crate::error::{Error, Result};
use crate::subject::{RoleSubject, Subject};
use crate::text::{SMALL, read, read_text};

/// Git looks at so many bytes to see whether a file is text (`buffer_is_binary` in its xdiff-interface.c).
const LOOKED_AT: usize = 8000;
/// Larger files are data, whatever git takes them for.
const LARGEST: u64 = 1 << 24;

/// How a checkout differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Checkout<'a> {
    /// Made under umask 077: only the owner may read.
    pub(crate) private: bool,
    /// Text has CRLF (`core.autocrlf`), but for what `.gitattributes` keeps.
    pub(crate) crlf: bool,
    /// Files that it has not: the programs that git leaves out. Data and settings that git leaves out are given to a checkout
    /// by whoever works there.
    pub(crate) without: &'a [String],
}

/// A checkout of the project, with the images that are built from it. Only manifests and lock files are as they were, so that
/// what is downloaded for them is in the engine's cache.
pub(crate) struct CheckedOut {
    pub(crate) lab: Lab,
    /// The folder that its images were built from.
    _copy: Arc<WorkCopy>,
}

/// Makes such a checkout, and builds some roles from it.
pub(crate) async fn check_out(lab: &Lab, how: Checkout<'_>, roles: &[String]) -> Attempt<CheckedOut> {
    let copy = Arc::new(lab.copy()?);
    let (manifests, given) = (manifests(lab), given_a_mode(&lab.subject));
    // A folder of manifests is copied with its own mode.
    let all = |path: &str| manifests.is_match(path) || manifests.is_match(format!("{path}/any"));
    let keeps = |path: &str| Keeps { all: all(path), mode: given.contains(path) };
    for path in how.without.iter().map(|path| copy.path().join(path)).filter(|path| path.is_file()) {
        fs::remove_file(&path).map_err(|error| Error::io("cannot remove", &path, error))?;
    }
    change(&copy.path(), how, &keeps)?;
    let mut subject = Subject::read(&copy.path(), lab.subject.project.clone(), &lab.env)?;
    // What nobody has trusted is not started from here, either.
    let untrusted = lab.subject.compose.unsupported.iter().filter(|one| one.untrusted).cloned();
    subject.compose.unsupported.extend(untrusted);
    let built = images::build_all(&lab.run, &subject, roles, &|_| {}).await?;
    let own = Lab::new(lab.run.clone(), subject, built, lab.env.clone()).without(copy.bulk());
    Ok(CheckedOut { lab: own, _copy: copy })
}

/// What of a file stays as it is.
struct Keeps {
    all: bool,
    mode: bool,
}

/// The files that instructions copy by their names, and give a mode of their own: theirs does not matter, and a change of it
/// would only make all that is installed after them be downloaded again.
fn given_a_mode(subject: &Subject) -> BTreeSet<String> {
    let targets = subject.roles.iter().flat_map(RoleSubject::targets);
    let instructions = targets.flat_map(|target| target.dockerfile.stages.iter().flat_map(|stage| &stage.instructions));
    let copies = instructions.filter_map(|one| match &one.kind {
        InstructionKind::Copy(copy) | InstructionKind::Add(copy) if copy.from.is_none() && copy.chmod.is_some() => {
            Some(copy)
        }
        _ => None,
    });
    copies.flat_map(|copy| &copy.sources).map(|source| source.trim_start_matches("./").to_owned()).collect()
}

/// Changes the modes and the line ends of all files of a folder that nobody else has.
fn change(root: &Path, how: Checkout<'_>, keeps: &dyn Fn(&str) -> Keeps) -> Result<()> {
    let attributes = Attributes::of(root);
    for entry in walkdir::WalkDir::new(root).contents_first(true) {
        let entry = entry.map_err(|error| Error::io("cannot read", root, error.into()))?;
        let path = entry.path().strip_prefix(root).unwrap_or(entry.path()).to_string_lossy().replace('\\', "/");
        let keeps = keeps(&path);
        if entry.path_is_symlink() || is_foreign(&path) || keeps.all {
            continue;
        }
        let failed = |error| Error::io("cannot change", entry.path(), error);
        if how.crlf
            && entry.file_type().is_file()
            && !attributes.keep(&path)
            && let Some(changed) = read(entry.path(), LARGEST).ok().and_then(|bytes| with_crlf(&bytes))
        {
            fs::write(entry.path(), changed).map_err(failed)?;
        }
        #[cfg(unix)]
        if how.private && !keeps.mode && (entry.file_type().is_file() || entry.file_type().is_dir()) {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = entry.metadata().map_err(|error| failed(error.into()))?.permissions().mode();
            fs::set_permissions(entry.path(), fs::Permissions::from_mode(mode & 0o700)).map_err(failed)?;
        }
    }
    Ok(())
}

/// A text with CRLF where it has LF; none for what git takes for no text, or leaves as it is because it has a CR already.
fn with_crlf(bytes: &[u8]) -> Option<Vec<u8>> {
    let is_text =
        !bytes[..bytes.len().min(LOOKED_AT)].contains(&0) && !bytes.contains(&b'\r') && bytes.contains(&b'\n');
    is_text.then(|| {
        let mut changed = Vec::with_capacity(bytes.len() + bytes.len() / 32);
        for byte in bytes {
            if *byte == b'\n' {
                changed.push(b'\r');
            }
            changed.push(*byte);
        }
        changed
    })
}

/// What `.gitattributes` says of line ends (<https://git-scm.com/docs/gitattributes>).
struct Attributes(Vec<(GlobMatcher, Option<bool>, Option<bool>)>);

impl Attributes {
    /// Of a folder, those of the folders below it included: a deeper file has the last word.
    fn of(root: &Path) -> Self {
        let found = walkdir::WalkDir::new(root).sort_by_file_name().into_iter().filter_map(std::result::Result::ok);
        let mut files: Vec<PathBuf> = found
            .filter(|entry| entry.file_type().is_file() && entry.file_name() == ".gitattributes")
            .map(walkdir::DirEntry::into_path)
            .collect();
        files.sort_by_key(|file| file.components().count());
        let mut rules = Vec::new();
        for file in files {
            let folder = file.parent().and_then(|folder| folder.strip_prefix(root).ok()).unwrap_or(Path::new(""));
            let text = read_text(&file, SMALL).unwrap_or_default();
            rules.extend(text.lines().filter_map(|line| rule(line, &folder.to_string_lossy())));
        }
        Self(rules)
    }

    /// Whether a file's line ends stay as they are.
    fn keep(&self, path: &str) -> bool {
        let (mut text, mut line_feed) = (None, None);
        for (pattern, is_text, has_line_feed) in &self.0 {
            if pattern.is_match(path) {
                text = is_text.or(text);
                line_feed = has_line_feed.or(line_feed);
            }
        }
        text == Some(false) || line_feed == Some(true)
    }
}

/// A line: its pattern, whether the files are text, and whether they have line feeds alone.
fn rule(line: &str, folder: &str) -> Option<(GlobMatcher, Option<bool>, Option<bool>)> {
    let mut words = line.split_whitespace();
    let pattern = words.next().filter(|word| !word.starts_with(['#', '[', '!']))?;
    let below = if folder.is_empty() { String::new() } else { format!("{folder}/") };
    let glob = match pattern.strip_prefix('/') {
        Some(pattern) => format!("{below}{pattern}"),
        None if pattern.contains('/') => format!("{below}{pattern}"),
        None => format!("{below}**/{pattern}"),
    };
    let (mut text, mut line_feed) = (None, None);
    for word in words {
        match word {
            "text" | "text=auto" => text = Some(true),
            "-text" | "binary" => text = Some(false),
            "eol=lf" => line_feed = Some(true),
            "eol=crlf" => line_feed = Some(false),
            _ => {}
        }
    }
    // A star of git's stays in its folder.
    let glob = GlobBuilder::new(&glob).literal_separator(true).build().ok()?;
    Some((glob.compile_matcher(), text, line_feed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_gets_crlf_but_for_what_git_keeps() {
        assert_eq!(with_crlf(b"a\nb\n").as_deref(), Some(&b"a\r\nb\r\n"[..]));
        for kept in [&b"a\0\n"[..], b"a\r\nb\n", b"a", b""] {
            assert_eq!(with_crlf(kept), None, "{kept:?}");
        }
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("sub")).unwrap();
        fs::write(folder.path().join(".gitattributes"), "# all\n*.sh text eol=lf\n/docs/* -text\n*.png binary\n")
            .unwrap();
        fs::write(folder.path().join("sub/.gitattributes"), "*.sh eol=crlf\n").unwrap();
        let attributes = Attributes::of(folder.path());
        for (path, keep) in [
            ("a.sh", true),
            ("docker/a.sh", true),
            ("sub/a.sh", false),
            ("docs/a.md", true),
            ("docs/deep/a.md", false),
            ("sub/docs/a.md", false),
            ("a.png", true),
            ("a.py", false),
        ] {
            assert_eq!(attributes.keep(path), keep, "{path}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_private_checkout_is_the_owner_s_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("src")).unwrap();
        fs::write(folder.path().join("src/a"), "x\n").unwrap();
        fs::write(folder.path().join("lock"), "x\n").unwrap();
        fs::write(folder.path().join("script"), "x\n").unwrap();
        change(folder.path(), Checkout { private: true, crlf: true, without: &[] }, &|path| Keeps {
            all: path == "lock",
            mode: path == "script",
        })
        .unwrap();
        let mode = |path: &str| fs::metadata(folder.path().join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("src"), mode("src/a"), mode("lock") & 0o044), (0o700, 0o600, 0o044));
        assert_ne!(mode("script") & 0o044, 0);
        assert_eq!(fs::read(folder.path().join("script")).unwrap(), b"x\r\n");
        assert_eq!(fs::read(folder.path().join("src/a")).unwrap(), b"x\r\n");
        assert_eq!(fs::read(folder.path().join("lock")).unwrap(), b"x\n");
    }
}
