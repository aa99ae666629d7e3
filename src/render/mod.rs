//! project → files, in memory: deterministic, touching no disk.

use crate::project::{self, Layout, Project};
pub use crate::roles::File;
pub(crate) use crate::roles::dockerfile;
use crate::roles::{self, RenderedStage, View};
use crate::stacks;

/// The container files of a project: Dockerfile(s), compose.yaml, .dockerignore, scripts,
/// devcontainer.json. Sorted by path; the same for the same description, on every machine. Nothing without a stack: then
/// all are the user's own.
#[must_use]
pub fn scaffold(project: &Project) -> Vec<File> {
    let Some(stack) = &project.stack else { return Vec::new() };
    let view = View::new(project, stack);
    let stages = stages(&view);
    let mut files = match project.service.layout {
        Layout::Single => vec![single_dockerfile(project, &stages)],
        Layout::PerRole => dockerfile_per_role(project, &stages),
    };
    files.push(compose(&view));
    files.extend(roles::shared_files(&view));
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// All stages in the roles' order, each after those that it needs.
fn stages(view: &View) -> Vec<(&'static str, RenderedStage)> {
    let mut open: Vec<(&'static str, RenderedStage)> =
        roles::ALL.iter().flat_map(|role| (role.stages)(view).into_iter().map(|stage| (role.name, stage))).collect();
    let mut ordered: Vec<(&'static str, RenderedStage)> = Vec::new();
    while let Some((_, stage)) = open.first().cloned() {
        // The first one that is missing comes instead; roles need each other in no circle.
        let missing = |need: &String| open.iter().position(|(_, other)| other.name == *need);
        let mut next = 0;
        let mut needs = stage.needs;
        while let Some(at) = needs.iter().find_map(missing) {
            next = at;
            needs.clone_from(&open[at].1.needs);
        }
        ordered.push(open.remove(next));
    }
    ordered
}

/// What one role adds to Dockerfile and compose.yaml, and the files that are its own.
#[must_use]
pub fn role(project: &Project, name: &str) -> Vec<File> {
    let (Some(role), Some(stack)) = (roles::find(name), &project.stack) else { return Vec::new() };
    let view = View::new(project, stack);
    let stages: Vec<String> = (role.stages)(&view).into_iter().map(|stage| stage.text).collect();
    let services: Vec<String> = (role.services)(&view);
    let mut files = vec![
        File::text("Dockerfile", stages.join("\n\n")),
        File::text("compose.yaml", services.join("\n").trim_matches('\n').to_owned()),
    ];
    files.extend(roles::shared_files(&view).into_iter().filter(|file| file.role == Some(role.name)));
    files
}

/// All files of a new service: its starter, its description and its container files, sorted by path.
#[must_use]
pub fn new_service(project: &Project) -> Vec<File> {
    let mut files = scaffold(project);
    files.push(File::text(project::FILE, project.to_toml()));
    files.extend(
        project
            .service
            .stack
            .iter()
            .zip(&project.stack)
            .flat_map(|(name, stack)| stacks::starter(name, &stack.manager))
            .map(|(path, contents)| starter_file(project, &path, contents)),
    );
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// A starter's file with the service's name in place of the placeholder, in path and text.
fn starter_file(project: &Project, path: &str, contents: &[u8]) -> File {
    let name = project.service.name.to_string();
    let title: Vec<String> = name.split('-').map(capitalised).collect();
    let fill = |text: &str| {
        text.replace("starter-service", &name)
            .replace("starter_service", &name.replace('-', "_"))
            .replace("Starter Service", &title.join(" "))
    };
    let contents = match std::str::from_utf8(contents) {
        Ok(text) => fill(text).into_bytes(),
        Err(_) => contents.to_vec(),
    };
    File { path: fill(path), contents, executable: false, role: None }
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn single_dockerfile(project: &Project, stages: &[(&'static str, RenderedStage)]) -> File {
    let heading = format!(
        "{}# {}: one stage per container role, made by dockwright from dockwright.toml. Edit it as you like:\n\
         # `dockwright verify` shows whether every role still keeps its promises.\n",
        check_directive(project),
        project.service.name
    );
    let texts: Vec<&str> = stages.iter().map(|(_, stage)| stage.text.as_str()).collect();
    File::text(roles::dockerfile(project), heading + "\n" + &texts.join("\n\n"))
}

/// `BuildKit`'s check takes a variable for a secret by its name; `PASSWORD_FILE` only says where one is.
/// A directive must be the file's first line. <https://docs.docker.com/reference/build-checks/>
fn check_directive(project: &Project) -> &'static str {
    let secrets = project.deployments.iter().any(|deployment| !deployment.secrets.is_empty());
    if secrets { "# check=skip=SecretsUsedInArgOrEnv\n" } else { "" }
}

/// One Dockerfile per role: the closure of its stage, in the list's order. Helper stages have none of their own: no
/// service of compose.yaml would build it.
fn dockerfile_per_role(project: &Project, stages: &[(&'static str, RenderedStage)]) -> Vec<File> {
    let heading = |stage: &str| {
        format!(
            "{}# {}: the {stage} role and the stages that it is made from, made by dockwright from dockwright.toml.\n",
            check_directive(project),
            project.service.name
        )
    };
    stages
        .iter()
        .filter(|(role, stage)| {
            let rest = stage.name.strip_prefix(role);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        })
        .map(|(role, stage)| {
            let mut wanted = vec![stage.name.clone()];
            for (_, other) in stages.iter().rev() {
                if wanted.contains(&other.name) {
                    wanted.extend(other.needs.iter().cloned());
                }
            }
            let texts: Vec<&str> = stages
                .iter()
                .filter(|(_, other)| wanted.contains(&other.name))
                .map(|(_, other)| other.text.as_str())
                .collect();
            let path = format!("docker/{}.Dockerfile", stage.name);
            File { role: Some(role), ..File::text(path, heading(&stage.name) + "\n" + &texts.join("\n\n")) }
        })
        .collect()
}

fn compose(view: &View) -> File {
    let services = roles::ALL.iter().flat_map(|role| (role.services)(view)).chain(roles::needed_services(view));
    let mut text = roles::compose_header(view);
    for service in services {
        text.push('\n');
        text.push_str(service.trim_matches('\n'));
        text.push('\n');
    }
    let footer = roles::compose_footer(view);
    if !footer.is_empty() {
        text.push('\n');
        text.push_str(footer.trim_start_matches('\n'));
    }
    File::text(view.compose_file(), text)
}
