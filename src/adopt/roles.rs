//! Which stage and which compose service is which role.

use std::path::{Path, PathBuf};

use super::chosen::{Chosen, is_helper};
use super::repository::{AdoptedRepository, stage_name};
use crate::compose::{ComposeMount, ComposeService};
use crate::dockerfile::{CommandForm, Dockerfile, InstructionKind, Source};
use crate::stacks::{has_word, role_words};
use crate::text::Place;

/// A role that is there.
#[derive(Debug, Default)]
pub(super) struct AdoptedRole {
    pub(super) service: Option<String>,
    pub(super) stage: Option<String>,
    pub(super) dockerfile: Option<String>,
    pub(super) evidence: Vec<Seen>,
}

/// What was seen, and where.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) field: &'static str,
    pub(super) value: String,
    pub(super) place: Option<Place>,
    pub(super) why: String,
}

/// The roles by name, each with where it is or why it is not there.
pub(super) type AdoptedRoles = Vec<(&'static str, Result<AdoptedRole, String>)>;

/// What the roles are looked for in.
pub(super) struct RoleScene<'a> {
    pub(super) repository: &'a AdoptedRepository,
    pub(super) chosen: &'a Chosen<'a>,
    dockerfile: &'a Dockerfile,
    /// The Dockerfile that production is made of: another one, where this is for development.
    shipped: &'a Path,
    /// The chosen service, and those that build the same Dockerfile, in the file's order.
    forms: Vec<&'a ComposeService>,
}

impl<'a> RoleScene<'a> {
    pub(super) fn of(repository: &'a AdoptedRepository, chosen: &'a Chosen<'a>) -> Self {
        let dockerfile = &repository.dockerfiles[&chosen.built.dockerfile];
        let is_form = |service: &&ComposeService| {
            repository.built(service).is_some_and(|built| built.dockerfile == chosen.built.dockerfile)
        };
        let own = chosen.service.map(|service| service.name.as_str());
        let mut forms: Vec<&ComposeService> = repository.services().filter(is_form).collect();
        forms.sort_by_key(|service| (Some(service.name.as_str()) != own, service.place.line));
        let shipped = shipped(repository, &chosen.built.dockerfile);
        Self { repository, chosen, dockerfile, shipped, forms }
    }

    pub(super) fn shipped(&self) -> &'a Dockerfile {
        &self.repository.dockerfiles[self.shipped]
    }

    /// The stage that production runs.
    pub(super) fn production(&self) -> (usize, &'static str) {
        let words = &role_words().words;
        let stages = &self.shipped().stages;
        let named =
            |stage: usize, words: &[String]| stages[stage].name.as_ref().is_some_and(|name| has_word(name, words));
        let is_other = |stage: usize| [&words.dev, &words.test, &words.tools].iter().any(|words| named(stage, words));
        let last = stages.len() - 1;
        let production = (0..=last).rev().find(|stage| named(*stage, &words.production) && !is_other(*stage));
        if stages.len() == 1 {
            return (0, "the only stage");
        }
        if !is_other(last) {
            return (last, "the last stage");
        }
        if let Some(stage) = production {
            return (stage, "the last stage whose name says production");
        }
        match (0..=last).rev().find(|stage| !is_other(*stage) && !named(*stage, &words.build)) {
            Some(stage) => (stage, "the last stage whose name does not say development, tests or build"),
            None => (last, "the last stage"),
        }
    }

    /// All six roles.
    pub(super) fn roles(&self) -> AdoptedRoles {
        let dev = self.dev();
        let is_dev =
            |service: &ComposeService| dev.as_ref().is_ok_and(|dev| dev.service.as_ref() == Some(&service.name));
        let service = self.service(&is_dev);
        let build = self.build();
        let test = self.test();
        let dev_tools = self.by_words("dev-tools", &role_words().words.tools);
        let installation = Err("no compose service is the release of one deployment".to_owned());
        vec![
            ("dev", dev),
            ("dev-tools", dev_tools),
            ("build", build),
            ("service", Ok(service)),
            ("test", test),
            ("installation", installation),
        ]
    }

    /// The service that has the source mounted.
    fn dev(&self) -> Result<AdoptedRole, String> {
        let words = &role_words().words;
        let is_other =
            |service: &ComposeService| has_word(&service.name, &words.test) || has_word(&service.name, &words.tools);
        let mounted = self.forms.iter().filter(|service| !is_other(service));
        let mut mounted: Vec<(&ComposeService, &ComposeMount)> =
            mounted.filter_map(|service| Some((*service, self.source_of(service)?))).collect();
        mounted.sort_by_key(|(service, _)| !self.is_for_dev(service));
        let Some((service, mount)) = mounted.first() else {
            let own = self.chosen.service.map_or_else(
                || "no compose service builds the Dockerfile, so none mounts the source".to_owned(),
                |service| format!("{} mounts no folder of the source", service.name),
            );
            let stage = self.dockerfile.stages.iter().filter_map(|stage| stage.name.as_ref());
            let stage = stage.into_iter().find(|name| has_word(name, &words.dev));
            return Err(match stage {
                Some(stage) => format!("there is a stage {stage}, and {own}"),
                None => own,
            });
        };
        let source = mount.source.as_deref().map(|source| self.repository.shown(Path::new(source)));
        let source = source.filter(|source| !source.is_empty()).unwrap_or_else(|| ".".to_owned());
        let mut role = AdoptedRole { service: Some(service.name.clone()), ..AdoptedRole::default() };
        role.saw("service", &service.name, &mount.place, format!("it mounts {source} at {}", mount.target));
        if let (Some(word), field) = self.word_for_dev(service) {
            role.saw("service", &service.name, service.at(field), format!("`{word}` starts development"));
        }
        Ok(role)
    }

    fn is_for_dev(&self, service: &ComposeService) -> bool {
        self.word_for_dev(service).0.is_some()
    }

    /// What of a service says that it is for development, and the field.
    fn word_for_dev(&self, service: &ComposeService) -> (Option<String>, &'static str) {
        let words = role_words();
        if let Some(target) = service.build.as_ref().and_then(|build| build.target.clone())
            && has_word(&target, &words.words.dev)
        {
            return (Some(format!("target: {target}")), "build.target");
        }
        let command = service.settings.command.iter().flatten().cloned().collect::<Vec<_>>().join(" ");
        if words.commands.dev.0.is_match(&command) {
            return (Some(command), "command");
        }
        let built = self.repository.built(service);
        let own = built.and_then(|built| command_of(self.dockerfile, built.stage));
        let own = own.filter(|own| command.is_empty() && words.commands.dev.0.is_match(own));
        (own.or_else(|| has_word(&service.name, &words.words.dev).then(|| service.name.clone())), "build")
    }

    /// A service's mount of the source: a folder of the project around or inside of its build context, at or below where the
    /// image works.
    fn source_of<'s>(&self, service: &'s ComposeService) -> Option<&'s ComposeMount> {
        let built = self.repository.built(service)?;
        let workdir = service.settings.working_dir.clone();
        let workdir = workdir.unwrap_or_else(|| super::repository::workdir(self.dockerfile, built.stage));
        let is_source = |mount: &&ComposeMount| {
            let source = mount.source.as_deref().map(Path::new).filter(|_| mount.as_bind().is_some());
            let related = |source: &Path| {
                let inside = source.starts_with(&self.repository.folder) && source.is_dir();
                inside && (source.starts_with(&built.context) || built.context.starts_with(source))
            };
            let target = Path::new(&mount.target);
            let is_run = service.settings.command.iter().flatten().any(|word| Path::new(word).starts_with(target));
            let at =
                workdir == "/" || target.starts_with(&workdir) || Path::new(&workdir).starts_with(target) || is_run;
            source.is_some_and(related) && at && !mount.read_only
        };
        // What lies nearest to the root of the source.
        service.volumes.iter().filter(is_source).min_by_key(|mount| mount.source.as_ref().map(String::len))
    }

    fn service(&self, is_dev: &dyn Fn(&ComposeService) -> bool) -> AdoptedRole {
        let words = &role_words().words;
        let (stage, why) = self.production();
        let place = Place::new(self.shipped().file.as_path(), self.shipped().stages[stage].line);
        let named = stage_name(self.shipped(), stage);
        let is_other =
            |service: &ComposeService| has_word(&service.name, &words.test) || has_word(&service.name, &words.tools);
        // A worker, say, that runs the same image by a command of its own and that nobody asks.
        let is_aside = |service: &ComposeService| {
            let own = self.chosen.service.is_some_and(|chosen| chosen.name == service.name);
            let silent = service.ports.is_empty() && service.expose.is_empty();
            !own && silent && (is_helper(service) || service.settings.command.is_some())
        };
        let runs = |service: &&&ComposeService| {
            let built = self.repository.built(service);
            let is_it = built.is_some_and(|built| built.stage == stage && built.dockerfile == self.shipped);
            is_it && !is_other(service) && !is_dev(service) && !is_aside(service)
        };
        let mut role = AdoptedRole::default();
        if let Some(service) = self.forms.iter().find(runs) {
            role.service = Some(service.name.clone());
            role.saw("service", &service.name, service.at("build"), format!("it runs {}: {why}", self.told(stage)));
            return role;
        }
        role.saw("stage", &named, &place, why.to_owned());
        match self.chosen.service {
            Some(service) => {
                role.service = Some(service.name.clone());
                let why = "what it depends on and its environment; its command and its mounts are not the image's";
                role.saw("service", &service.name, &service.place, why.to_owned());
                let built = self.repository.built(service);
                let is_it = built.is_some_and(|built| built.stage == stage && built.dockerfile == self.shipped);
                let is_last = stage + 1 == self.shipped().stages.len();
                let is_elsewhere = self.shipped != self.chosen.built.dockerfile;
                role.dockerfile = is_elsewhere.then(|| self.repository.shown(self.shipped));
                let as_is = is_it || is_elsewhere && is_last;
                role.stage = (!as_is).then_some(named);
            }
            None => {
                role.stage = (stage + 1 != self.shipped().stages.len()).then_some(named);
                role.dockerfile = Some(self.repository.shown(&self.chosen.built.dockerfile));
            }
        }
        role
    }

    fn told(&self, stage: usize) -> String {
        match &self.shipped().stages[stage].name {
            Some(name) => format!("the stage {name}"),
            None => "the Dockerfile's stage without a name".to_owned(),
        }
    }

    /// The stage that production takes files from.
    fn build(&self) -> Result<AdoptedRole, String> {
        let (production, _) = self.production();
        let stages = &self.shipped().stages;
        let chain = self.shipped().ancestry(production);
        let mut copied: Vec<(usize, usize)> = Vec::new();
        for one in chain.iter().flat_map(|stage| &stages[*stage].instructions) {
            if let InstructionKind::Copy(copy) = &one.kind
                && let Some(from) = &copy.from
                && let Source::Stage(stage) = self.shipped().source(from)
                && !chain.contains(&stage)
            {
                copied.push((stage, one.line));
            }
        }
        let words = &role_words().words;
        let by_name = |(stage, _): &&(usize, usize)| {
            stages[*stage].name.as_ref().is_some_and(|name| has_word(name, &words.build))
        };
        let found = copied.iter().find(by_name).or_else(|| copied.iter().max_by_key(|(stage, _)| *stage));
        let Some((stage, line)) = found else {
            return Err("the service's stage copies nothing from another stage".to_owned());
        };
        let named = stage_name(self.shipped(), *stage);
        let mut role = AdoptedRole { stage: Some(named.clone()), ..AdoptedRole::default() };
        let place = Place::new(self.shipped().file.as_path(), *line);
        role.saw("stage", &named, &place, "the service's stage copies from it".to_owned());
        match self.chosen.service {
            Some(service) => role.service = Some(service.name.clone()),
            None => role.dockerfile = Some(self.repository.shown(self.shipped)),
        }
        if self.shipped != self.chosen.built.dockerfile {
            role.dockerfile = Some(self.repository.shown(self.shipped));
        }
        Ok(role)
    }

    /// A service that runs the tests, else a stage whose own command does.
    fn test(&self) -> Result<AdoptedRole, String> {
        let words = role_words();
        let runs = |service: &&&ComposeService| {
            let command = service.settings.command.iter().flatten().cloned().collect::<Vec<_>>().join(" ");
            let by_target =
                self.repository.built(service).and_then(|built| self.dockerfile.stages[built.stage].name.clone());
            let named = has_word(&service.name, &words.words.test);
            named && !words.commands.dev.0.is_match(&command)
                || by_target.is_some_and(|name| has_word(&name, &words.words.test))
                || words.commands.test.0.is_match(&command)
        };
        if let Some(service) = self.forms.iter().find(runs) {
            let mut role = AdoptedRole { service: Some(service.name.clone()), ..AdoptedRole::default() };
            role.saw("service", &service.name, &service.place, "it runs the tests".to_owned());
            return Ok(role);
        }
        let is_named = |name: &String| has_word(name, &words.words.test);
        let Some(stage) = self.dockerfile.stages.iter().rfind(|stage| stage.name.as_ref().is_some_and(is_named)) else {
            return Err("no stage and no compose service runs the tests".to_owned());
        };
        let name = stage_name(self.dockerfile, stage.index);
        let own = stage
            .instructions
            .iter()
            .any(|one| matches!(one.kind, InstructionKind::Cmd(_) | InstructionKind::Entrypoint(_)));
        if !own {
            return Err(format!("the stage {name} runs its tests while it is built, and no container does"));
        }
        let mut role = AdoptedRole { stage: Some(name.clone()), ..AdoptedRole::default() };
        let place = Place::new(self.dockerfile.file.as_path(), stage.line);
        role.saw("stage", &name, &place, "its name says tests, and it has a command of its own".to_owned());
        match self.chosen.service {
            Some(service) => role.service = Some(service.name.clone()),
            None => role.dockerfile = Some(self.repository.shown(&self.chosen.built.dockerfile)),
        }
        Ok(role)
    }

    fn by_words(&self, role: &str, words: &[String]) -> Result<AdoptedRole, String> {
        let found = self.forms.iter().find(|service| service.name == role || has_word(&service.name, words));
        let Some(service) = found.filter(|service| self.source_of(service).is_some()) else {
            return Err("no compose service has tools to develop with".to_owned());
        };
        let mut role = AdoptedRole { service: Some(service.name.clone()), ..AdoptedRole::default() };
        role.saw("service", &service.name, &service.place, "it has the role's name, and mounts the source".to_owned());
        Ok(role)
    }
}

/// The Dockerfile beside one for development that is not for that.
fn shipped<'a>(repository: &'a AdoptedRepository, own: &'a Path) -> &'a Path {
    let words = &role_words().words;
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if !has_word(&name(own), &words.dev) {
        return own;
    }
    let is_shipped = |other: &&PathBuf| {
        let other_name = name(other);
        other.parent() == own.parent() && !has_word(&other_name, &words.dev) && !has_word(&other_name, &words.test)
    };
    let found = repository.dockerfiles.keys().filter(is_shipped);
    found.min_by_key(|other| !has_word(&name(other), &words.production)).map_or(own, PathBuf::as_path)
}

impl AdoptedRole {
    fn saw(&mut self, field: &'static str, value: &str, place: &Place, why: String) {
        self.evidence.push(Seen { field, value: value.to_owned(), place: Some(place.clone()), why });
    }
}

/// The command of a stage, in one line.
pub(super) fn command_of(dockerfile: &Dockerfile, stage: usize) -> Option<String> {
    let chain = dockerfile.ancestry(stage);
    let mut all = chain.iter().flat_map(|stage| dockerfile.stages[*stage].instructions.iter().rev());
    all.find_map(|one| match &one.kind {
        InstructionKind::Cmd(command) | InstructionKind::Entrypoint(command) => Some(match command {
            CommandForm::Shell(line) => line.clone(),
            CommandForm::Exec(words) => words.join(" "),
        }),
        _ => None,
    })
}
