//! Reads a description: from a text, from disk.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::de::DeTable;

use super::flaws::{Flaws, location};
use super::lock::ImageLock;
use super::{Description, FILE, Project, check, overlay, raw, shape, syntax};
use crate::error::{Error, ErrorKind, Result};
use crate::stacks::{Choice, Stack, Stacks};
use crate::text::{Unreadable, Why, read};

/// The largest description that is read, in bytes: a thousand times what a large one has.
pub const MAX_SIZE: u64 = 1 << 20;

impl Project {
    /// Reads a description out of `text`; errors call it `file`.
    ///
    /// # Errors
    /// The first flaw in the file's order, with its place; its last hints name the others of the same kind
    /// (syntax; keys and types; values). What is wrong in the stack's data has its place there.
    pub fn parse(text: &str, file: &Path, stacks: &Stacks) -> Result<Self> {
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
        if text.trim().is_empty() {
            return Err(Error::description("the description is empty")
                .in_file(file)
                .hint("run `dockwright init` to have one written for this folder"));
        }
        let table = DeTable::parse(text).map_err(|error| syntax::error(text, file, &error))?;
        shape::understands(table.get_ref()).map_err(|(span, error)| error.at(location(text, file, span.start)))?;
        let mut flaws = Flaws::new(text, file);
        shape::check(&Description::schema(&stacks.names()), table.get_ref(), &mut flaws);
        if let Some(error) = flaws.into_error() {
            return Err(error);
        }
        let raw: raw::RawDescription = serde::Deserialize::deserialize(toml::Deserializer::from(table))
            .map_err(|error| syntax::error(text, file, &error))?;
        let options = raw.service.stack.as_ref().map(|stack| stacks.options(stack.get())).transpose()?;
        let mut flaws = Flaws::new(text, file);
        let Some(description) = check::project(raw, options.as_ref(), &mut flaws) else {
            let unknown = || Error::description("the description cannot be used").in_file(file);
            return Err(flaws.into_error().unwrap_or_else(unknown));
        };
        let service = &description.service;
        let Some(stack) = &service.stack else { return Ok(Self { description, stack: None }) };
        let stack = stacks.resolve(&Choice {
            stack,
            manager: service.manager.as_deref(),
            framework: service.framework.as_deref(),
            name: service.name.as_str(),
            facts: description.repository.is_some().then(|| description.facts()),
            over: vec![overlay::of(text, file, description.repository.is_some())?],
        })?;
        Ok(Self { description, stack: Some(Arc::new(stack)) })
    }

    /// Reads the dockwright.toml of the folder `dir`.
    ///
    /// # Errors
    /// As [`Project::parse`]; and when the file is missing, larger than [`MAX_SIZE`], not a file, not UTF-8.
    pub fn read(dir: &Path, stacks: &Stacks) -> Result<Self> {
        // `./dockwright.toml` says no more than `dockwright.toml`.
        let file = if dir == Path::new(".") { PathBuf::from(FILE) } else { dir.join(FILE) };
        let text = decode(read(&file, MAX_SIZE).map_err(|error| refused(dir, error))?, &file)?;
        let mut project = Self::parse(&text, &file, stacks)?;
        // One that cannot be understood is reported where the files are verified.
        if let (Some(stack), Ok(Some(lock))) = (&mut project.stack, ImageLock::read(dir))
            && let Some(Stack { images, .. }) = Arc::get_mut(stack)
        {
            images.runtime = lock.pinned(&images.runtime);
            images.build = images.build.as_ref().map(|image| lock.pinned(image));
        }
        Ok(project)
    }
}

/// The text of a file's content.
pub(super) fn decode(bytes: Vec<u8>, file: &Path) -> Result<String> {
    String::from_utf8(bytes).map_err(|error| not_text(file, &error))
}

/// The error for a description that cannot be read.
fn refused(dir: &Path, error: Unreadable) -> Error {
    let (what, hint) = match &error.why {
        _ if error.is_missing() => return missing(dir),
        Why::Folder => {
            ("this is a folder, and a description is a file".into(), "move it away, then run `dockwright init`")
        }
        Why::Special => (
            "this is a pipe, socket or device, and a description is a file".into(),
            "remove it, then run `dockwright init`",
        ),
        Why::TooLarge(limit) => {
            (format!("the description is larger than {} MiB", limit >> 20), "check whether another file got this name")
        }
        Why::Io(_) | Why::NotText(_) => return error.into(),
    };
    Error::description(what).in_file(error.path).hint(hint)
}

/// The error for no description in `dir`, with where to find or how to make one.
fn missing(dir: &Path) -> Error {
    let shown = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
    if !shown.exists() {
        return Error::new(ErrorKind::Usage, format!("{} does not exist", shown.display()))
            .hint("name the folder that holds dockwright.toml");
    }
    if !shown.is_dir() {
        return Error::new(ErrorKind::Usage, format!("{} is not a folder", shown.display()))
            .hint("name the folder that holds dockwright.toml");
    }
    let error = Error::new(ErrorKind::Usage, format!("no {FILE} in {}", shown.display()));
    let above = std::path::absolute(dir)
        .ok()
        .and_then(|full| full.ancestors().skip(1).find(|above| above.join(FILE).is_file()).map(Path::to_owned));
    let error = match above {
        Some(above) => error.hint(format!("there is one in {}: run dockwright there", above.display())),
        None => error,
    };
    error
        .hint("run `dockwright new NAME --stack STACK` for a new service")
        .hint("run `dockwright init` for roles of the service that is here")
}

fn not_text(file: &Path, error: &std::string::FromUtf8Error) -> Error {
    let bytes = error.as_bytes();
    let utf8 = error.utf8_error().valid_up_to();
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return Error::description("the description is in UTF-16, and TOML is UTF-8")
            .in_file(file)
            .hint("save it as UTF-8 (PowerShell: `Out-File -Encoding utf8`)");
    }
    if bytes.contains(&0) {
        return Error::description("this is not a text file: it contains NUL bytes")
            .in_file(file)
            .hint("check whether another file got this name");
    }
    let start = String::from_utf8_lossy(&bytes[..utf8]);
    let mut place = location(&start, file, utf8);
    // The line's text is cut at what cannot be shown.
    place.text = None;
    Error::description(format!("the description is not UTF-8 text: byte 0x{:02X} begins no character", bytes[utf8]))
        .at(place)
        .hint("save it as UTF-8")
}
