//! Whether the project may have what it asks of the host: by `--trust`, by the user's own configuration, by an answer on a
//! terminal. The project itself has no say.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy as _;
use serde::Deserialize;

use super::args::{TrustArg, TrustArgs};
use crate::error::{Error, Location, Result};
use crate::gate::{Ask, Trusted};
use crate::text::{self, Place, leads_to, listed};
use crate::ui::Ui;

/// At most so many things are listed.
const LISTED: usize = 200;

/// The user's `config.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Configuration {
    verify: VerifyTable,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct VerifyTable {
    trust: Vec<String>,
}

/// Lets the project in a folder go on, or refuses: all that is asked for is trusted, or somebody has agreed to it. Where
/// nobody can be asked, and outside of CI, returns what is to be withheld.
///
/// # Errors
/// Something is asked for that nobody has trusted; the configuration cannot be read.
pub(super) fn pass(ui: Ui, args: &TrustArgs, project: &Path, asks: &[Ask]) -> Result<Vec<Ask>> {
    let file = file();
    let mut trusted = match &file {
        Some(file) => configured(file, project)?,
        None => Vec::new(),
    };
    trusted.extend(args.trust.iter().filter_map(|one| match one {
        TrustArg::One(one) => Some(one.clone()),
        TrustArg::Nothing => None,
    }));
    let asked: Vec<Ask> = asks.iter().filter(|ask| !ask.is_trusted(&trusted)).cloned().collect();
    if asked.is_empty() {
        return Ok(asked);
    }
    let folder = project.canonicalize().unwrap_or_else(|_| project.to_owned());
    let items: Vec<String> = asked.iter().take(LISTED).map(|ask| item(ask, &folder)).collect();
    if args.trust.contains(&TrustArg::Nothing) || super::in_ci() {
        return Err(refusal(&asked, items, &folder, file.as_deref()));
    }
    if ui.can_ask() {
        let list: Vec<String> = items.iter().map(|item| format!("  {}", text::plain(item))).collect();
        ui.say(&format!("This project asks this host for more than an ordinary one does:\n{}\n", list.join("\n")));
        if ui.agrees("Let it have all of this, for this run?") {
            return Ok(Vec::new());
        }
        return Err(refusal(&asked, items, &folder, file.as_deref()));
    }
    for (ask, item) in asked.iter().zip(&items) {
        let what = if ask.is_withheld() { "not started" } else { "let through" };
        ui.note(&format!("{what}: {item}"));
    }
    Ok(asked)
}

/// One thing that is asked for: where, what, why that matters, and what to do.
fn item(ask: &Ask, folder: &Path) -> String {
    let shown = ask.place.file.strip_prefix(folder).unwrap_or(&ask.place.file);
    let kind = ask.trust.kind();
    let place = Place { column: None, ..Place::new(shown, ask.place.line) };
    format!("{place}: {}; {}, or trust it: --trust {}", ask.sentence(), kind.fix, kind.name)
}

fn refusal(asked: &[Ask], items: Vec<String>, folder: &Path, file: Option<&Path>) -> Error {
    let kinds: BTreeSet<_> = asked.iter().map(|ask| ask.trust).collect();
    let names: Vec<&str> = kinds.iter().map(|trust| trust.kind().name).collect();
    let count = match asked.len() {
        1 => "something".to_owned(),
        more => format!("{more} things"),
    };
    let message =
        format!("the project asks for {count} of this host that nobody has trusted: {}", listed(&names, names.len()));
    let error = Error::description(message).because_all(items);
    // What stands in a file outside of the project is not quoted, and would take the whole message with it.
    let is_own = |ask: &&Ask| leads_to(&ask.place.file).is_some_and(|file| file.starts_with(folder));
    let error = match asked.iter().find(is_own) {
        Some(first) => error.at(Location::from(first.place.clone())),
        None => error,
    };
    let error = error.hint(format!("if you trust the project with this, add --trust {}", names.join(",")));
    match file {
        Some(file) => {
            error.hint(format!("or for all projects: `trust = [...]` under `[verify]` in {}", file.display()))
        }
        None => error,
    }
}

/// Whether a file is the user's configuration.
pub(super) fn is_configuration(other: &Path) -> bool {
    file().is_some_and(|file| file == other)
}

/// The user's configuration; none without a home.
fn file() -> Option<PathBuf> {
    let user = etcetera::choose_base_strategy().ok()?;
    Some(user.config_dir().join("dockwright").join("config").with_extension("toml"))
}

fn configured(file: &Path, project: &Path) -> Result<Vec<Trusted>> {
    let content = match text::read_text(file, text::SMALL) {
        Ok(content) => content,
        Err(error) if error.is_missing() => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let (real, project) = (leads_to(file), leads_to(project));
    if real.zip(project).is_none_or(|(real, project)| real.starts_with(project)) {
        return Err(Error::usage(
            "the user's configuration is in the project, which must not decide what it is trusted with",
        )
        .in_file(file)
        .hint("point XDG_CONFIG_HOME to a folder of your own"));
    }
    let wrong =
        |why: String, line: usize| Error::description(why).at(Location::in_text(Place::new(file, line), &content));
    let read: Configuration = toml::from_str(&content).map_err(|error| {
        let before = error.span().map_or(0, |span| span.start.min(content.len()));
        wrong(error.message().to_owned(), text::line_of(&content.as_bytes()[..before]))
    })?;
    let parsed = read.verify.trust.iter().map(|name| {
        let line = content.lines().position(|line| line.contains(name.as_str())).unwrap_or_default() + 1;
        name.parse().map_err(|why| wrong(format!("`{name}` cannot be trusted: {why}"), line))
    });
    parsed.collect()
}
