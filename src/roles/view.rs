//! What the templates see: the description and the stack's data, resolved, with no decision left but
//! those that a template makes by shape.

use std::collections::BTreeMap;

use super::escape::value;
use crate::project::{Code, Deployment, Layout, Project, RoleSettings};
use crate::stacks::{Layer, Manager, RoleData, Shape, Stack};

/// The description and its stack, ready to be written down.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, told as they are")]
pub struct View {
    pub(super) name: String,
    pub(super) port: u16,
    pub(super) compiled: bool,
    pub(super) code_mounted: bool,
    pub(super) per_role: bool,
    pub(super) dev_tools_enabled: bool,
    pub(super) runtime_image: String,
    pub(super) build_image: String,
    pub(super) runtime_env: Vec<(String, String)>,
    pub(super) manager: Manager,
    pub(super) dev: RoleView,
    pub(super) dev_tools: RoleView,
    pub(super) build: RoleView,
    pub(super) service: RoleView,
    pub(super) test: RoleView,
    pub(super) health: Vec<String>,
    pub(super) watch_command: Vec<String>,
    pub(super) deployments: Vec<DeploymentView>,
    pub(super) ignore: Vec<String>,
}

/// A role's settings over its stack's.
#[derive(Debug)]
pub(super) struct RoleView {
    pub(super) command: Vec<String>,
    pub(super) env: Vec<(String, String)>,
    pub(super) packages: Vec<String>,
    pub(super) run: Vec<String>,
    pub(super) copy: Vec<String>,
    pub(super) install: Vec<String>,
    pub(super) layers: Vec<String>,
    pub(super) scripts: Vec<String>,
    pub(super) workdir: Option<String>,
}

/// One deployment and its installation. Environment values here are as the Dockerfile has them.
#[derive(Debug)]
pub(super) struct DeploymentView {
    pub(super) name: String,
    pub(super) stage: String,
    pub(super) host_port: String,
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

impl View {
    /// Resolves a description against its stack.
    #[must_use]
    pub fn new(project: &Project, stack: &Stack) -> Self {
        let service = &project.service;
        let fill = Fill::new(project);
        let manager = service.manager.as_deref().unwrap_or(stack.manager());
        let manager = fill.manager(&stack.managers[manager]);
        let port = service.port.map_or(stack.port, crate::project::Port::get);
        let runtime_image = project.images.runtime.as_ref().map_or(stack.images.runtime.clone(), ToString::to_string);
        let build_image = project
            .images
            .build
            .as_ref()
            .map(ToString::to_string)
            .or(stack.images.build.clone())
            .unwrap_or_else(|| runtime_image.clone());

        let roles = &project.roles;
        let mut served = fill.role(&stack.service, &roles.service.settings);
        if let (Some(command), None) = (&service.command, &roles.service.settings.command) {
            served.command = command.words().to_vec();
        }
        let mut dev_tools = fill.role(&stack.dev_tools, &roles.dev_tools.settings);
        dev_tools.install.extend(roles.dev_tools.install.iter().map(ToString::to_string));
        let mut runtime_env = fill.env(&stack.env);
        // Any uid may run it, most have no account in the image, and the root file system is read-only.
        runtime_env.push(("HOME".into(), "/tmp".into()));
        runtime_env.push(("PORT".into(), port.to_string()));

        let watched = stack.build.watched.iter().map(|path| fill.text(path));
        let watch_command = ["run-on-change.sh".to_owned()]
            .into_iter()
            .chain(watched)
            .chain(["--", "sh", "-c"].map(ToOwned::to_owned))
            .chain([fill.list(&stack.build.watch).join(" && ")])
            .collect();
        let mut build = fill.role(&stack.build, &roles.build);
        if build.command.is_empty() {
            build.command = vec!["sh".into(), "-c".into(), build.run.join(" && ")];
        }

        Self {
            name: service.name.to_string(),
            port,
            compiled: stack.shape == Shape::RuntimeBinary,
            code_mounted: roles.service.code == Code::Mounted,
            per_role: service.layout == Layout::PerRole,
            dev_tools_enabled: roles.dev_tools.enabled,
            runtime_image,
            build_image,
            runtime_env,
            manager,
            dev: fill.role(&stack.dev, &roles.dev),
            dev_tools,
            build,
            service: served,
            test: fill.role(&stack.test, &roles.test),
            health: fill.list(&stack.health),
            watch_command,
            deployments: project
                .deployments
                .iter()
                .enumerate()
                .map(|(index, deployment)| deployment_view(project, deployment, port, index))
                .collect(),
            ignore: fill.list(&stack.ignore),
        }
    }

    /// Whether any deployment has a secret.
    pub(super) fn has_secrets(&self) -> bool {
        self.deployments.iter().any(|deployment| !deployment.secrets.is_empty())
    }

    /// What follows the target in a compose `build`: the Dockerfile's name where there is one per role.
    pub(super) fn dockerfile(&self, stage: &str) -> String {
        if self.per_role { format!(", dockerfile: docker/{stage}.Dockerfile") } else { String::new() }
    }
}

fn deployment_view(project: &Project, deployment: &Deployment, port: u16, index: usize) -> DeploymentView {
    let stage = project.stage(deployment);
    let variable = stage.to_uppercase().replace('-', "_");
    let host_port = usize::from(port) + 2 + index;
    DeploymentView {
        name: deployment.name.to_string(),
        host_port: format!("${{{variable}_PORT:-{host_port}}}"),
        stage,
        env: deployment.env.iter().map(|(name, text)| (name.to_string(), value(text.as_str()))).collect(),
        secret_env: deployment
            .secrets
            .iter()
            .map(|name| (name.file_variable().to_string(), name.secret_file()))
            .collect(),
        secrets: deployment
            .secrets
            .iter()
            .map(|name| {
                let file = name.to_string().to_lowercase();
                SecretView {
                    id: format!("{}-{file}", deployment.name),
                    host_file: format!("./secrets/{}/{file}", deployment.name),
                    file,
                }
            })
            .collect(),
    }
}

/// Puts the service's name into the stack's data.
struct Fill {
    name: String,
    module: String,
}

impl Fill {
    fn new(project: &Project) -> Self {
        let name = project.service.name.to_string();
        Self { module: name.replace('-', "_"), name }
    }

    fn text(&self, text: &str) -> String {
        text.replace("@name@", &self.name).replace("@module@", &self.module)
    }

    fn list(&self, texts: &[String]) -> Vec<String> {
        texts.iter().map(|text| self.text(text)).collect()
    }

    /// The stack's own values are written as they are: they may refer to `$PATH`.
    fn env(&self, env: &BTreeMap<String, String>) -> Vec<(String, String)> {
        env.iter().map(|(name, value)| (name.clone(), self.text(value))).collect()
    }

    fn manager(&self, manager: &Manager) -> Manager {
        let layers = |layers: &[Layer]| layers.iter().map(|layer| self.layer(layer)).collect();
        Manager {
            lock: None,
            production: layers(&manager.production),
            build: layers(&manager.build),
            test: layers(&manager.test),
        }
    }

    fn layer(&self, layer: &Layer) -> Layer {
        Layer {
            comment: self.list(&layer.comment),
            to: layer.to.clone(),
            copy: self.list(&layer.copy),
            bind: self.list(&layer.bind),
            cache: layer.cache.clone(),
            run: self.list(&layer.run),
        }
    }

    fn role(&self, data: &RoleData, settings: &RoleSettings) -> RoleView {
        let mut env = self.env(&data.env);
        for (name, text) in &settings.env {
            env.retain(|(old, _)| old != name.as_str());
            env.push((name.to_string(), value(text.as_str())));
        }
        let mut packages = data.packages.clone();
        packages.extend(settings.packages.iter().map(ToString::to_string));
        RoleView {
            command: settings.command.as_ref().map_or_else(|| self.list(&data.command), |own| own.words().to_vec()),
            env,
            packages,
            run: self.list(&data.run),
            copy: self.list(&data.copy),
            install: self.list(&data.install),
            layers: self.list(&data.layers),
            scripts: data.scripts.clone(),
            workdir: data.workdir.clone(),
        }
    }
}
