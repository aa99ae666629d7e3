//! What the templates see: the description over the stack's data, as facts, with nothing left to decide.

use std::borrow::Cow;

use super::escape::{expanded, shell_word, value};
use super::needs::{self, NeedView};
use crate::project::{COMPOSE_BESIDE, Code, Deployment, EnvName, Layout, Project};
use crate::stacks::{Dependencies, RoleData, Shape, Stack, StackEnv, StageStep, Text};

/// A project, ready to be written down.
#[derive(Debug)]
pub struct View<'a> {
    pub(super) name: String,
    pub(super) port: u16,
    /// The port of the host at which dev is reached.
    pub(super) host_port: u16,
    pub(super) facts: ViewFacts,
    /// The folder that images are built from, as compose.yaml has it.
    pub(super) context: String,
    /// The folder of the service in a container, where it is not the source's.
    pub(super) member: Option<String>,
    /// Where the images' scripts are in the context, with a slash at the end.
    pub(super) scripts_folder: &'static str,
    /// The same, in the project.
    pub(super) scripts_path: String,
    pub(super) ignore_file: String,
    pub(super) devcontainer: &'static str,
    pub(super) compose_from_devcontainer: String,
    pub(super) compose_command: String,
    /// Where the test image has what the builder made for it.
    pub(super) tests_at: &'a str,
    pub(super) needs: Vec<NeedView<'a>>,
    /// Variables that only containers of compose.yaml have.
    compose_env: Vec<(String, String)>,
    pub(super) runtime_image: &'a str,
    pub(super) build_image: &'a str,
    pub(super) runtime_env: Vec<(String, String)>,
    pub(super) dependencies: &'a Dependencies,
    pub(super) helpers: Vec<(&'a String, &'a StageStep)>,
    /// Packages with which production dependencies are compiled, and which do not stay.
    pub(super) compilers: &'a [String],
    pub(super) dev: RoleView<'a>,
    pub(super) dev_tools: RoleView<'a>,
    pub(super) build: RoleView<'a>,
    pub(super) service: RoleView<'a>,
    pub(super) test: RoleView<'a>,
    pub(super) health: &'a [String],
    pub(super) watch_command: Vec<String>,
    /// Name and folder of each volume of the watching builder.
    pub(super) build_volumes: Vec<(&'a String, &'a String)>,
    pub(super) deployments: Vec<DeploymentView>,
    pub(super) ignore: &'a [String],
    pub(super) public_env: &'a [String],
}

/// The name of the Dockerfile, in the folder that images are built from.
pub(crate) fn dockerfile(project: &Project) -> String {
    project.in_folder(if project.is_beside() { "docker/dockwright.Dockerfile" } else { "Dockerfile" })
}

/// What templates branch on.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, told as they are")]
pub(super) struct ViewFacts {
    /// The builder has a toolchain that dev lacks, and so a base image of its own; else it is made from dev.
    pub(super) own_toolchain: bool,
    /// Dev runs what the builder puts into the artefact volume, and the builder watches the source; else dev runs the
    /// source.
    pub(super) dev_runs_artefact: bool,
    /// The tests are compiled by the builder; else the test role brings them as they are.
    pub(super) tests_compiled: bool,
    /// The service's code is mounted from the artefact volume; else it is in the image.
    pub(super) code_mounted: bool,
    /// Somebody reads what a running builder makes out of a volume.
    pub(super) artefact_volume: bool,
    /// The dev-tools role is there.
    pub(super) dev_tools: bool,
    /// Each role has a Dockerfile of its own.
    pub(super) per_role: bool,
    /// The files have names of their own, beside other people's.
    pub(super) beside: bool,
}

/// What a role is made of.
#[derive(Debug)]
pub(super) struct RoleView<'a> {
    pub(super) command: Cow<'a, [String]>,
    pub(super) env: Vec<(String, String)>,
    pub(super) packages: Vec<&'a str>,
    pub(super) run: Vec<String>,
    pub(super) copy: &'a [String],
    pub(super) install: &'a [String],
    /// Folders of the artefact that get a layer of their own in the service, before the rest.
    pub(super) layers: &'a [String],
    pub(super) scripts: &'a [String],
    pub(super) workdir: Option<&'a String>,
}

/// One deployment and its installation. Environment values here are as the Dockerfile has them.
#[derive(Debug)]
pub(super) struct DeploymentView {
    pub(super) name: String,
    pub(super) stage: String,
    pub(super) host_port: String,
    /// The port that the installation listens on.
    pub(super) port: u16,
    pub(super) env: Vec<(String, String)>,
    pub(super) secret_env: Vec<(String, String)>,
    pub(super) secrets: Vec<SecretView>,
}

/// A secret: its name in compose.yaml, its file in the container, and its file beside the project.
#[derive(Debug)]
pub(super) struct SecretView {
    pub(super) id: String,
    pub(super) file: String,
    pub(super) host_file: String,
}

impl<'a> View<'a> {
    /// What the templates see of a project.
    #[must_use]
    pub fn new(project: &'a Project, stack: &'a Stack) -> Self {
        let facts = ViewFacts::of(project, stack);
        let mut service = role(&stack.service);
        service.packages.extend(stack.native.runtime.iter().map(String::as_str));
        if !stack.carries.is_empty() {
            // What is carried may be there or not, and COPY has no word for that: all of /out is one layer then.
            service.layers = &[];
        }
        let mut build = role(&stack.build);
        build.run.extend(carry(&stack.carries));
        // Where the builder watches, compose.yaml says what it runs.
        if build.command.is_empty() && !facts.dev_runs_artefact {
            build.command = Cow::Owned(vec!["sh".into(), "-c".into(), build.run.join(" && ")]);
        }
        let mut compilers = stack.native.build.as_slice();
        if facts.own_toolchain {
            build.packages.extend(std::mem::take(&mut compilers).iter().map(String::as_str));
        }
        let mut runtime_env = env(&stack.env);
        runtime_env.push(("HOME".into(), "/tmp".into()));
        let variable = port_env(project);
        let variables = ["PORT"].into_iter().chain((variable != "PORT").then_some(variable));
        runtime_env.extend(variables.map(|name| (name.to_owned(), stack.port.to_string())));
        // Where nothing is quicker, a change is built as an image is.
        let again = if stack.build.watch.is_empty() { &build.run } else { &stack.build.watch };
        let watch = ["--", "sh", "-c"].map(ToOwned::to_owned).into_iter().chain([again.join(" && ")]);
        let watched = ["run-on-change.sh".to_owned()].into_iter().chain(stack.build.watched.iter().cloned());

        let own = project.repository.as_ref();
        let folder = own.and_then(|own| own.folder.as_ref()).map(AsRef::as_ref);
        let beside = project.is_beside();
        let rules = if beside { "docker/dockwright.Dockerfile.dockerignore" } else { ".dockerignore" };
        let scripts = if beside { "docker/dockwright/" } else { "docker/" };
        // What is built is somewhere else than its source.
        let member = own.and_then(|own| own.member.as_ref()).filter(|_| stack.shape == Shape::Interpreted);
        Self {
            name: project.service.name.to_string(),
            port: stack.port,
            host_port: host_port(stack.port),
            facts,
            context: folder.map_or_else(|| ".".to_owned(), |folder: &str| format!("./{folder}")),
            member: member.map(|member| format!("/srv/app/{member}")),
            scripts_folder: scripts,
            scripts_path: project.in_folder(scripts),
            ignore_file: project.in_folder(rules),
            devcontainer: if beside {
                ".devcontainer/dockwright/devcontainer.json"
            } else {
                ".devcontainer/devcontainer.json"
            },
            compose_from_devcontainer: if beside {
                format!("../../{COMPOSE_BESIDE}")
            } else {
                "../compose.yaml".to_owned()
            },
            compose_command: if beside {
                format!("docker compose -f {COMPOSE_BESIDE}")
            } else {
                "docker compose".to_owned()
            },
            tests_at: stack.test.into.as_deref().unwrap_or("/tests/"),
            needs: needs::of(own),
            compose_env: own
                .into_iter()
                .flat_map(|own| &own.env)
                .map(|(k, v)| (k.to_string(), v.to_string()))
                .collect(),
            runtime_image: &stack.images.runtime,
            build_image: stack.images.build.as_ref().unwrap_or(&stack.images.runtime),
            runtime_env,
            dependencies: &stack.dependencies,
            helpers: stack.helpers.iter().collect(),
            compilers,
            dev: role(&stack.dev),
            dev_tools: role(&stack.dev_tools),
            build,
            service,
            test: role(&stack.test),
            health: &stack.health,
            watch_command: watched.chain(watch).collect(),
            build_volumes: stack.build.volumes.iter().collect(),
            deployments: project
                .deployments
                .iter()
                .enumerate()
                .map(|(index, deployment)| deployment_view(project, stack, deployment, index))
                .collect(),
            ignore: &stack.ignore,
            public_env: &stack.public_env,
        }
    }

    /// The name of the compose file.
    pub(crate) fn compose_file(&self) -> &'static str {
        if self.facts.beside { COMPOSE_BESIDE } else { "compose.yaml" }
    }

    /// The variables that a role's container has of compose.yaml.
    pub(super) fn compose_env(&self, test: bool) -> Vec<&(String, String)> {
        let needs = self.needs.iter().filter(|_| !test).flat_map(|need| &need.env);
        self.compose_env.iter().chain(needs).collect()
    }

    /// The packages that a stage without compilers has of them.
    #[expect(clippy::unused_self, reason = "templates know nothing but the view")]
    pub(super) fn no_packages(&self) -> &'static [String] {
        &[]
    }

    /// Whether any deployment has a secret.
    pub(super) fn has_secrets(&self) -> bool {
        self.deployments.iter().any(|deployment| !deployment.secrets.is_empty())
    }

    /// Whether compose.yaml has any volume.
    pub(super) fn has_volumes(&self) -> bool {
        self.facts.dev_tools || self.facts.artefact_volume || !self.needs.is_empty()
    }

    /// What follows the target in a compose `build`: the Dockerfile's name where there is one per role.
    pub(super) fn dockerfile(&self, stage: &str) -> String {
        if self.facts.per_role {
            format!(", dockerfile: docker/{stage}.Dockerfile")
        } else if self.facts.beside {
            ", dockerfile: docker/dockwright.Dockerfile".to_owned()
        } else {
            String::new()
        }
    }
}

impl ViewFacts {
    fn of(project: &Project, stack: &Stack) -> Self {
        let built = stack.shape != Shape::Interpreted;
        let code_mounted = project.roles.service.code == Code::Mounted;
        Self {
            own_toolchain: stack.images.build.is_some(),
            dev_runs_artefact: built,
            // Only the builder can tell the tests of a repository from its code.
            tests_compiled: (stack.shape == Shape::Built || project.repository.is_some()) && !stack.test.run.is_empty(),
            code_mounted,
            artefact_volume: built || code_mounted,
            dev_tools: project.roles.dev_tools.enabled,
            per_role: project.service.layout == Layout::PerRole,
            beside: project.is_beside(),
        }
    }
}

/// The helper stages that some steps mount from.
pub(super) fn helpers(steps: &[StageStep]) -> impl Iterator<Item = &str> {
    steps.iter().flat_map(|step| &step.from).map(String::as_str)
}

fn role(data: &RoleData) -> RoleView<'_> {
    RoleView {
        command: Cow::Borrowed(&data.command),
        env: env(&data.env),
        packages: data.packages.iter().map(String::as_str).collect(),
        run: data.run.clone(),
        copy: &data.copy,
        install: &data.install,
        layers: &data.layers,
        scripts: &data.scripts,
        workdir: data.workdir.as_ref(),
    }
}

fn env(env: &StackEnv) -> Vec<(String, String)> {
    let text = |text: &Text| match text {
        Text::Written(text) => expanded(text),
        Text::Literal { literal } => value(literal),
    };
    env.iter().map(|(name, one)| (name.clone(), text(one))).collect()
}

/// The command that takes along what the service reads beside its code, as far as it is there.
fn carry(paths: &[String]) -> Option<String> {
    let words: Vec<String> = paths.iter().map(|path| shell_word(path)).collect();
    let each = "if [ -e \"$path\" ]; then cp -R --parents \"$path\" /out/; fi";
    (!paths.is_empty()).then(|| format!("for path in {}; do {each}; done", words.join(" ")))
}

/// The port of the host at which one of a container is reached: one that anybody may listen on.
fn host_port(port: u16) -> u16 {
    if port < 1024 { port + 8000 } else { port }
}

/// The variable that names the service's port.
fn port_env(project: &Project) -> &str {
    project.port_env().unwrap_or("PORT")
}

fn deployment_view(project: &Project, stack: &Stack, deployment: &Deployment, index: usize) -> DeploymentView {
    let stage = project.stage(deployment);
    let variable = stage.to_uppercase().replace('-', "_");
    let host_port = usize::from(host_port(stack.port)) + 2 + index;
    // The description's `PORT` is a port, which `project` has seen to.
    let port = deployment.env.iter().find(|(name, _)| name.as_str() == port_env(project));
    let port = port.and_then(|(_, text)| text.as_str().parse().ok()).unwrap_or(stack.port);
    let secret = |name: &EnvName| {
        let file = name.to_string().to_lowercase();
        SecretView {
            id: format!("{}-{file}", deployment.name),
            host_file: format!("./secrets/{}/{file}", deployment.name),
            file,
        }
    };
    let secret_file = |name: &EnvName| (name.file_variable().to_string(), name.secret_file());
    DeploymentView {
        name: deployment.name.to_string(),
        host_port: format!("${{{variable}_PORT:-{host_port}}}"),
        port,
        stage,
        env: deployment.env.iter().map(|(name, text)| (name.to_string(), value(text.as_str()))).collect(),
        secret_env: deployment.secrets.iter().map(secret_file).collect(),
        secrets: deployment.secrets.iter().map(secret).collect(),
    }
}
