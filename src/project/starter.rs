//! A description as text: what `new` and `init` write first.

use super::shape::bare;
use super::text::quoted;
use super::{
    Code, DeclaredEnv, Deployment, DeploymentName, Description, EnvName, EnvValue, ExecCommand, ImageOverrides, Layout,
    Placement, Repository, RoleSettings, RolesTable, SCHEMA, SCHEMA_URL, ServiceKind, ServiceName, ServiceSettings,
    Verify,
};

/// The longest line that is written where it can be broken, in characters.
const WIDTH: usize = 100;

impl ServiceSettings {
    /// A service of which only the name and the stack are known.
    #[must_use]
    pub fn new(name: ServiceName, stack: Option<String>) -> Self {
        Self {
            name,
            stack,
            version: None,
            kind: ServiceKind::Web,
            port: None,
            port_env: None,
            command: None,
            manager: None,
            framework: None,
            libraries: Vec::new(),
            carries: Vec::new(),
            layout: Layout::Single,
        }
    }
}

impl Description {
    /// The description that `new` begins with: a web service with the stack's defaults, `APP_ENV` set where it is
    /// tested and deployed. Whoever knows the starter adds its tools and `[verify]`.
    #[must_use]
    pub fn starter(name: ServiceName, stack: &str) -> Self {
        let app_env =
            |value: &str| EnvValue::parse(value).map(|value| (EnvName::app_env(), value)).into_iter().collect();
        Self {
            service: ServiceSettings::new(name, Some(stack.to_owned())),
            images: ImageOverrides::default(),
            roles: RolesTable {
                test: RoleSettings { env: app_env("test"), ..RoleSettings::default() },
                ..RolesTable::default()
            },
            deployments: vec![Deployment {
                name: DeploymentName::production(),
                env: app_env("production"),
                secrets: Vec::new(),
            }],
            verify: Verify::default(),
            repository: None,
        }
    }

    /// The text of a dockwright.toml that [`super::Project::parse`] reads back as this one. What the stack's
    /// defaults say is left out; each table has a short comment.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let mut out =
            Text(vec![format!("#:schema {SCHEMA_URL}"), self.heading().to_owned(), format!("schema = {SCHEMA}")]);
        self.write_service(&mut out);
        self.write_repository(&mut out);
        self.write_roles(&mut out);
        self.write_deployments(&mut out);
        self.write_verify(&mut out);
        out.0.join("\n") + "\n"
    }

    fn heading(&self) -> &'static str {
        if self.is_adopted() {
            "# Which of your stages and compose services play which role: `dockwright verify` proves them."
        } else {
            "# What this service's containers are made from: edit it; `dockwright show` prints what it makes."
        }
    }

    fn write_service(&self, out: &mut Text) {
        let ServiceSettings {
            name,
            stack,
            version,
            kind,
            port,
            port_env,
            command,
            manager,
            framework,
            libraries,
            carries,
            layout,
        } = &self.service;
        out.table("service", "");
        out.string("name", name.as_str());
        if let Some(stack) = stack {
            out.string("stack", stack);
        }
        if let Some(version) = version {
            out.string("version", version);
        }
        match kind {
            // The default, and all that there is so far.
            ServiceKind::Web => {}
        }
        if let Some(port) = port {
            out.key("port", &port.get().to_string());
        }
        if let Some(variable) = port_env {
            out.string("port-env", variable.as_str());
        }
        out.command(command.as_ref());
        if let Some(manager) = manager {
            out.string("manager", manager);
        }
        if let Some(framework) = framework {
            out.string("framework", framework);
        }
        if !libraries.is_empty() {
            out.key("libraries", &list(libraries.iter().map(String::as_str)));
        }
        if !carries.is_empty() {
            out.key("carries", &list(carries.iter().map(AsRef::as_ref)));
        }
        if *layout == Layout::PerRole {
            out.string("layout", "per-role");
        }
        if self.images != ImageOverrides::default() {
            out.table("images", "# Base images in place of the stack's own.");
            for (key, image) in [("runtime", &self.images.runtime), ("build", &self.images.build)] {
                if let Some(image) = image {
                    out.string(key, image.as_str());
                }
            }
        }
    }

    fn write_repository(&self, out: &mut Text) {
        let Some(Repository { folder, member, beside, facts, env, needs }) = &self.repository else { return };
        out.table("repository", "# The code is your own: what its images need to know of it.");
        for (key, path) in [("folder", folder), ("member", member)] {
            if let Some(path) = path {
                out.string(key, path.as_ref());
            }
        }
        if *beside {
            out.key("beside", "true");
        }
        out.env("repository", env);
        if !facts.is_empty() {
            out.table("repository.facts", "");
        }
        for (name, values) in facts {
            out.key(&bare(name), &list(values.iter().map(String::as_str)));
        }
        for need in needs {
            let name = format!("repository.needs.{}", bare(&need.name));
            out.table(&name, "");
            out.env(&name, &need.env);
        }
    }

    fn write_roles(&self, out: &mut Text) {
        let RolesTable { dev, dev_tools, build, service, test, installation } = &self.roles;
        out.role("dev", dev, &[]);
        let mut own = Vec::new();
        if !dev_tools.enabled {
            own.push(("enabled", "false".to_owned()));
        }
        if !dev_tools.install.is_empty() {
            own.push(("install", list(dev_tools.install.iter().map(AsRef::as_ref))));
        }
        out.role("dev-tools", &dev_tools.settings, &own);
        if !dev_tools.tools.is_empty() {
            out.table("roles.dev-tools.tools", "# Each tool, and the command that shows that it runs.");
            for tool in &dev_tools.tools {
                out.key(&bare(tool.name.as_str()), &words(&tool.command));
            }
        }
        if !dev_tools.work.is_empty() {
            out.table("roles.dev-tools.work", "# What they do on the project as it stands.");
            for tool in &dev_tools.work {
                out.key(&bare(tool.name.as_str()), &words(&tool.command));
            }
        }
        out.role("build", build, &[]);
        let mounted = [("code", quoted("mounted"))];
        out.role("service", &service.settings, if service.code == Code::Mounted { &mounted } else { &[] });
        out.role("test", test, &[]);
        if *installation != Placement::default() {
            out.table("roles.installation", "");
            out.place(installation);
        }
    }

    fn write_deployments(&self, out: &mut Text) {
        // What a Dockerfile of the user's own has of deployments is not dockwright's to say.
        let is_usual = matches!(self.deployments.as_slice(), [one] if one.is_usual());
        if is_usual && self.is_adopted() {
            return;
        }
        for (at, deployment) in self.deployments.iter().enumerate() {
            let comment = match at {
                0 => {
                    "# Baked into the image that goes there, so no secrets: those are named in `secrets`, and come as files."
                }
                _ => "",
            };
            let name = format!("deployments.{}", deployment.name);
            out.table(&name, comment);
            if !deployment.secrets.is_empty() {
                out.key("secrets", &list(deployment.secrets.iter().map(AsRef::as_ref)));
            } else if at == 0 {
                out.line("# secrets = [\"DATABASE_PASSWORD\"]");
            }
            out.env(&name, &deployment.env);
        }
    }

    fn write_verify(&self, out: &mut Text) {
        let Verify { health, slow, timeout, reload, waivers, unclaimed } = &self.verify;
        if health.is_some() || slow.is_some() || timeout.is_some() {
            out.table("verify", "# What `dockwright verify` asks: how it is, and something slow to stop it at.");
        }
        for (key, path) in [("health", health), ("slow", slow)] {
            if let Some(path) = path {
                out.string(key, path.as_str());
            }
        }
        if let Some(timeout) = timeout {
            out.key("timeout", &timeout.as_secs().to_string());
        }
        if let Some(reload) = reload {
            out.table(
                "verify.reload",
                "# `text` in `file` is replaced, in a copy; then `path` must answer with the new text.",
            );
            out.string("path", reload.path.as_str());
            out.string("file", reload.file.as_str());
            out.string("text", &reload.text);
        }
        for waiver in waivers {
            out.table("[verify.waivers]", "");
            out.string("contract", &waiver.contract);
            out.string("reason", &waiver.reason);
            out.string("expires", &waiver.expires.to_string());
        }
        for one in unclaimed {
            out.table("[verify.unclaimed]", "");
            out.string("contract", &one.contract);
            out.string("reason", &one.reason);
        }
    }
}

/// The lines so far.
struct Text(Vec<String>);

impl Text {
    fn line(&mut self, line: impl Into<String>) {
        self.0.push(line.into());
    }

    fn table(&mut self, name: &str, comment: &str) {
        self.line("");
        if !comment.is_empty() {
            self.line(comment);
        }
        self.line(format!("[{name}]"));
    }

    fn key(&mut self, key: &str, value: &str) {
        self.line(format!("{key} = {value}"));
    }

    fn string(&mut self, key: &str, value: &str) {
        self.key(key, &quoted(value));
    }

    fn command(&mut self, command: Option<&ExecCommand>) {
        if let Some(command) = command {
            self.key("command", &words(command));
        }
    }

    /// A role's table, if it says anything; `own` are the keys that no other role has.
    fn role(&mut self, role: &str, settings: &RoleSettings, own: &[(&str, String)]) {
        if own.is_empty() && *settings == RoleSettings::default() {
            return;
        }
        let name = format!("roles.{role}");
        self.table(&name, "");
        for (key, value) in own {
            self.key(key, value);
        }
        self.place(&settings.place);
        self.command(settings.command.as_ref());
        if !settings.packages.is_empty() {
            self.key("packages", &list(settings.packages.iter().map(AsRef::as_ref)));
        }
        self.env(&name, &settings.env);
    }

    fn place(&mut self, place: &Placement) {
        let Placement { enabled, stage, dockerfile, context, service } = place;
        if let Some(enabled) = enabled {
            self.key("enabled", &enabled.to_string());
        }
        let texts = [
            ("service", service.as_ref().map(AsRef::as_ref)),
            ("stage", stage.as_ref().map(AsRef::as_ref)),
            ("dockerfile", dockerfile.as_ref().map(AsRef::as_ref)),
            ("context", context.as_ref().map(AsRef::as_ref)),
        ];
        for (key, text) in texts {
            let text: Option<&str> = text;
            if let Some(text) = text {
                self.string(key, text);
            }
        }
    }

    /// The last key of the table `name`, as it may become a table of its own.
    fn env(&mut self, name: &str, env: &DeclaredEnv) {
        if env.is_empty() {
            return;
        }
        let pairs: Vec<String> = env.iter().map(|(key, value)| format!("{key} = {}", quoted(value))).collect();
        let line = format!("env = {{ {} }}", pairs.join(", "));
        if line.chars().count() <= WIDTH {
            self.line(line);
        } else {
            self.table(&format!("{name}.env"), "");
            self.0.extend(pairs);
        }
    }
}

fn words(command: &ExecCommand) -> String {
    list(command.words().iter().map(String::as_str))
}

fn list<'a>(items: impl Iterator<Item = &'a str>) -> String {
    let items: Vec<String> = items.map(quoted).collect();
    let line = format!("[{}]", items.join(", "));
    if line.chars().count() <= WIDTH { line } else { format!("[\n    {},\n]", items.join(",\n    ")) }
}
