//! What belongs to all roles: the frame of compose.yaml, .dockerignore, the scripts, devcontainer.json.

use std::collections::BTreeSet;

use askama::Template;
use include_dir::{Dir, include_dir};

use super::escape as filters;
use super::needs::NeedView;
use super::{File, View};

#[derive(Template)]
#[template(path = "header.compose.yaml")]
struct ComposeHeader<'a> {
    v: &'a View<'a>,
}

#[derive(Template)]
#[template(path = "footer.compose.yaml")]
struct ComposeFooter<'a> {
    v: &'a View<'a>,
}

#[derive(Template)]
#[template(path = "need.compose.yaml")]
struct NeedService<'a> {
    need: &'a NeedView<'a>,
    test: bool,
}

#[derive(Template)]
#[template(path = "dockerignore", escape = "none")]
struct Ignore<'a> {
    v: &'a View<'a>,
}

#[derive(Template)]
#[template(path = "devcontainer.json")]
struct Devcontainer<'a> {
    v: &'a View<'a>,
}

/// What stands above the services of compose.yaml.
pub(crate) fn compose_header(v: &View<'_>) -> String {
    super::text(&ComposeHeader { v })
}

/// The services that the roles need, each once for them and once for the tests.
pub(crate) fn needed_services(v: &View<'_>) -> Vec<String> {
    let both = |need| [false, true].map(|test| super::text(&NeedService { need, test }));
    v.needs.iter().flat_map(both).collect()
}

/// What stands below them.
pub(crate) fn compose_footer(v: &View<'_>) -> String {
    super::text(&ComposeFooter { v })
}

/// The scripts that images can bring; a stack names those it wants.
static SCRIPTS: Dir = include_dir!("$CARGO_MANIFEST_DIR/templates/roles/scripts");

/// The files beside Dockerfile and compose.yaml.
pub(crate) fn files(v: &View<'_>) -> Vec<File> {
    let wanted: BTreeSet<&String> =
        [&v.dev, &v.build, &v.service, &v.test].into_iter().flat_map(|role| role.scripts).collect();
    let mut files: Vec<File> = wanted
        .into_iter()
        .map(|name| {
            let script = SCRIPTS.get_file(name).expect("a stack names only scripts that there are; a test checks it");
            File {
                path: format!("{}{name}", v.scripts_path),
                contents: script.contents().to_vec(),
                executable: true,
                role: None,
            }
        })
        .collect();
    files.push(File::text(".gitattributes", include_str!("../../templates/roles/gitattributes").to_owned()));
    files.push(File::text(v.ignore_file.clone(), super::text(&Ignore { v })));
    if v.facts.dev_tools {
        let text = super::text(&Devcontainer { v });
        files.push(File { role: Some("dev-tools"), ..File::text(v.devcontainer, text) });
    }
    files
}
