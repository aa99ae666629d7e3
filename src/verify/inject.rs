//! A build of the mounted source: the builder container runs the build stage's own commands, and what it
//! made is streamed into a fresh service container, which becomes the service image.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::bench::{Bench, Checked, Image};
use super::images::build_text;
use super::outcome::{fail, inconclusive, skipped};
use super::start::{self, Places};
use super::workcopy::WorkCopy;
use crate::compose::MountKind;
use crate::dockerfile::{Command, DroppedCopy, Kind, LaterRun, Source, Truncated, expand};
use crate::engine::{Bind, Commit, Container, ImageInfo, Mount, Run, TarEdit};
use crate::subject::{RoleSubject, Subject, Target};

/// How long a build in a container may take.
const BUILD: Duration = Duration::from_mins(30);

/// The stage that makes what the service ships, and the copies that bring it there.
pub(super) struct Injection {
    build: Target,
    service: Target,
    text: String,
    dropped: Vec<DroppedCopy>,
}

impl Injection {
    /// Finds the copies; none if the service takes nothing from the build stage.
    pub(super) fn of(subject: &Subject) -> Option<Self> {
        let service = &subject.role("service")?.target;
        let build = subject.role("build")?;
        let build = build.own.as_ref().unwrap_or(&build.target);
        let dockerfile = &service.dockerfile;
        // With a Dockerfile per role the build stage stands in the service's own file, under the same name;
        // under another one it is the only stage that the service copies from.
        let stage = dockerfile.stage(&build.stage_name());
        let copied = copied_stages(service);
        let stage = match (stage, copied.as_slice()) {
            (Some(stage), _) if copied.contains(&stage.index) => stage,
            (_, [only]) => &dockerfile.stages[*only],
            _ => return None,
        };
        let chain = dockerfile.ancestry(service.stage);
        if chain.contains(&stage.index) {
            return None;
        }
        let without = dockerfile.without_copies_from(service.stage, stage.index);
        let build = Target { stage: stage.index, ..service.clone() };
        (!without.dropped.is_empty()).then(|| Self {
            build,
            service: service.clone(),
            text: without.text,
            dropped: without.dropped,
        })
    }

    /// The stage that makes the code, as the service's Dockerfile has it.
    pub(super) fn build(&self) -> &Target {
        &self.build
    }

    /// Where in the build stage a file of the service may come from.
    pub(super) fn origins(&self, path: &str, workdir: &str) -> Vec<String> {
        let of = |copy: &DroppedCopy| {
            let dest = clean(&destination(copy, workdir));
            let inside = path.strip_prefix(&dest)?.trim_start_matches('/').to_owned();
            Some(copy.sources.iter().map(move |source| clean(&format!("{source}/{inside}"))).collect::<Vec<_>>())
        };
        self.dropped.iter().filter_map(of).flatten().collect()
    }

    /// Where in that stage the service takes its files from.
    pub(super) fn sources(&self) -> Vec<String> {
        let sources = self.dropped.iter().flat_map(|copy| &copy.sources);
        let mut places: Vec<String> = sources.map(|source| super::artefact::place(source)).collect();
        places.sort_unstable();
        places.dedup();
        places
    }

    /// Where in the service the code is put; `workdir` is the image's.
    pub(super) fn destinations(&self, workdir: &str) -> Vec<String> {
        self.dropped.iter().map(|copy| clean(&destination(copy, workdir))).collect()
    }
}

/// The stages that a stage, or those it is FROM, copy files from.
fn copied_stages(target: &Target) -> Vec<usize> {
    let dockerfile = &target.dockerfile;
    let stages = dockerfile.ancestry(target.stage);
    let copies = stages.iter().flat_map(|stage| &dockerfile.stages[*stage].instructions);
    let mut found: Vec<usize> = copies
        .filter_map(|instruction| match &instruction.kind {
            Kind::Copy(copy) => match dockerfile.source(copy.from.as_deref()?) {
                Source::Stage(stage) => Some(stage),
                Source::Outside(_) => None,
            },
            _ => None,
        })
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// Builds the service image out of the mounted `source`; returns it, and the image that the output was put into.
pub(super) async fn service_image(
    run: &Run,
    subject: &Subject,
    source: &Path,
    injection: &Injection,
) -> Checked<(ImageInfo, ImageInfo)> {
    let builder = run_builder(run, subject, &injection.build, source, BTreeMap::new()).await?;
    let base = built(build_text(run, &injection.service, injection.text.clone(), "service-base").await?)?;
    let service = run.create_idle(&base.id).await?;
    for copy in &injection.dropped {
        inject(&builder, &service, copy, &base.config.working_dir).await?;
    }
    let commit =
        Commit { name: "service".into(), config: base.config.clone(), comment: "injected by dockwright".into() };
    let image = run.commit(&service, commit).await?;
    for container in [builder, service] {
        container.remove().await?;
    }
    Ok((run.engine().image(&image).await?, base))
}

/// Fills a fresh volume with what the builder makes, for services that run the code out of it.
pub(super) async fn fill_volume(bench: &Bench, key: &str) -> Result<String, String> {
    let filled = async {
        let build = bench.role("build")?;
        let copy = WorkCopy::of(&bench.subject.folder)?;
        let volume = bench.run.volume(key).await?;
        let volumes = [(key.to_owned(), volume.name.clone())].into();
        let target = build.own.as_ref().unwrap_or(&build.target);
        run_builder(&bench.run, &bench.subject, target, &copy.path(), volumes).await?.remove().await?;
        Ok(volume.name)
    };
    let filled: Checked<String> = filled.await;
    filled.map_err(|stop| match stop {
        super::bench::Stop::Verdict(verdict) => verdict.observed().to_owned(),
        super::bench::Stop::Engine(error) => error.to_string(),
    })
}

fn built(image: Image) -> Checked<ImageInfo> {
    image.map_err(|why| skipped(why).into())
}

/// Runs the build stage's commands on the mounted source, in the builder container that compose.yaml
/// describes; returns the container, ended and with exit code 0.
async fn run_builder(
    run: &Run,
    subject: &Subject,
    target: &Target,
    source: &Path,
    volumes: BTreeMap<String, String>,
) -> Checked<Container> {
    let role: &RoleSubject = subject.role("build").ok_or_else(|| skipped("the role build is off"))?;
    let cut = target.dockerfile.truncated_before_source(target.stage);
    if cut.cut.is_none() || cut.runs.is_empty() {
        return Err(inconclusive(
            "the build stage copies no source and then builds it, so there is nothing to run on a mount",
        )
        .at(target.file.clone(), target.line())
        .into());
    }
    let image = built(build_text(run, target, cut.text.clone(), "builder").await?)?;
    let service = subject.service(role);
    let mut volumes = volumes;
    for mount in &service.volumes {
        if let (MountKind::Volume { .. }, Some(key)) = (&mount.kind, &mount.source)
            && !volumes.contains_key(key)
            && !is_output(&mount.target, subject)
        {
            volumes.insert(key.clone(), run.volume(key).await?.name);
        }
    }
    let places =
        Places { project: &subject.folder, copy: source.to_owned(), volumes, network: None, files: BTreeMap::new() };
    let mut spec = start::spec(&subject.compose, service, &image.id, &places);
    // Without a volume of the run's own, the output stays in the container, where it can be read.
    spec.mounts.retain(|mount| !matches!(mount, Mount::Volume(volume) if volume.name.is_none()));
    spec.ports.clear();
    spec.read_only = false;
    let workdir = spec.working_dir.clone().unwrap_or_else(|| image.config.working_dir.clone());
    if !spec.mounts.iter().any(|mount| mount.target() == workdir) {
        spec.mounts.push(Mount::Bind(Bind { source: source.to_owned(), target: workdir, ..Bind::default() }));
    }
    script(&cut, &image, &mut spec, target)?;
    let container = run.create(&spec).await?;
    container.start().await?;
    let code = match tokio::time::timeout(BUILD, container.wait()).await {
        Ok(code) => code?,
        Err(_) => return Err(fail(format!("the builder was not done within {} s", BUILD.as_secs())).into()),
    };
    if code != 0 {
        return Err(fail(format!("the builder on the mounted source ended with exit code {code}"))
            .at(target.file.clone(), cut.runs[0].line)
            .log(container.logs(Some(30)).await?)
            .into());
    }
    Ok(container)
}

/// Whether the service copies from this path of the build stage.
fn is_output(path: &str, subject: &Subject) -> bool {
    let path = path.trim_end_matches('/');
    Injection::of(subject).is_some_and(|injection| {
        injection
            .dropped
            .iter()
            .flat_map(|copy| &copy.sources)
            .any(|source| source.trim_end_matches('/').starts_with(path))
    })
}

/// Makes the container run the RUN instructions that follow the copy of the source, in their order.
fn script(cut: &Truncated, image: &ImageInfo, spec: &mut crate::engine::ContainerSpec, target: &Target) -> Checked<()> {
    let refuse = |line: usize, why: &str| Err(inconclusive(why.to_owned()).at(target.file.clone(), line).into());
    if let Some(other) = cut.others.first() {
        return refuse(
            other.line,
            "this instruction changes files after the source was copied, and cannot be done in a running builder",
        );
    }
    let mut lines = vec!["set -e".to_owned()];
    for run in &cut.runs {
        if let Some(mount) = run.run.mounts.iter().find(|mount| !matches!(mount.kind.as_str(), "cache" | "tmpfs")) {
            return refuse(run.line, &format!("a RUN with a {} mount cannot be done in a running builder", mount.kind));
        }
        if !run.run.heredocs.is_empty() {
            return refuse(run.line, "a RUN with a here-document cannot be done in a running builder");
        }
        lines.push(one_run(run, image));
    }
    spec.entrypoint =
        spec.entrypoint.take().or_else(|| Some(image.config.entrypoint.clone()).filter(|own| !own.is_empty()));
    spec.command = Some(vec!["/bin/sh".into(), "-c".into(), lines.join("\n")]);
    Ok(())
}

/// One RUN as a line of sh, in a subshell with the folder and environment that it would have had.
fn one_run(run: &LaterRun, image: &ImageInfo) -> String {
    let mut parts = Vec::new();
    if let Some(folder) = &run.workdir {
        parts.push(format!("mkdir -p {0} && cd {0}", quoted(folder)));
    }
    let known = |name: &str| image.config.env_value(name).map(ToOwned::to_owned);
    for (name, value) in run.args.iter().chain(&run.env) {
        parts.push(format!("export {name}={}", quoted(&expand(value, '\\', &known))));
    }
    parts.push(match &run.run.command {
        Command::Exec(words) => words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "),
        Command::Shell(line) => {
            let image_shell = (!image.config.shell.is_empty()).then(|| image.config.shell.clone());
            let shell = run.shell.clone().or(image_shell).unwrap_or_else(|| vec!["/bin/sh".into(), "-c".into()]);
            let words = shell.iter().chain([line]).map(|word| quoted(word));
            words.collect::<Vec<_>>().join(" ")
        }
    });
    format!("( {} )", parts.join(" && "))
}

/// A word of sh that stands for itself.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Does what a `COPY --from` does: a folder's content, or a file, owned by root unless it says otherwise.
async fn inject(builder: &Container, service: &Container, copy: &DroppedCopy, workdir: &str) -> Checked<()> {
    let dest = destination(copy, workdir);
    let (uid, gid) = owner(copy)?;
    for source in &copy.sources {
        if source.contains(['*', '?', '[']) {
            return Err(inconclusive(format!("COPY --from with the pattern {source} cannot be injected")).into());
        }
        let Some(stat) = builder.stat(source).await? else {
            return Err(fail(format!("the builder on the mounted source made no {source}")).into());
        };
        // A folder's content goes into the destination; a file goes there under its own name, or becomes it.
        let into_folder = dest.ends_with('/') || dest.ends_with("/.") || copy.sources.len() > 1;
        let place = clean(&dest);
        let place = if stat.is_dir || !into_folder { place } else { format!("{place}/{}", stat.name) };
        let edit = TarEdit {
            uid: Some(uid),
            gid: Some(gid),
            // From the root, so that the engine makes missing folders on the way.
            root: Some(place.trim_start_matches('/').to_owned()),
            contents_only: stat.is_dir,
            ..TarEdit::default()
        };
        builder.pipe(source, service, "/", edit).await?;
    }
    Ok(())
}

fn destination(copy: &DroppedCopy, workdir: &str) -> String {
    match &copy.absolute {
        Some(absolute) => absolute.clone(),
        None => format!("{}/{}", workdir.trim_end_matches('/'), copy.dest.trim_start_matches("./")),
    }
}

pub(super) fn clean(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    format!("/{}", parts.join("/"))
}

fn owner(copy: &DroppedCopy) -> Checked<(u32, u32)> {
    let Some(chown) = &copy.chown else { return Ok((0, 0)) };
    let (user, group) = chown.split_once(':').unwrap_or((chown, chown));
    // Whatever else an image's accounts are, root is 0.
    let number = |name: &str| if name == "root" { Some(0) } else { name.parse().ok() };
    match (number(user), number(group)) {
        (Some(user), Some(group)) => Ok((user, group)),
        _ => Err(inconclusive(format!("COPY --chown={chown} names an account; only numbers can be injected")).into()),
    }
}

/// The injected image of a project, for the check: on a copy of the source.
pub(super) async fn on_a_copy(bench: &Bench, injection: &Injection) -> Checked<(ImageInfo, ImageInfo)> {
    let copy = Arc::new(WorkCopy::of(&bench.subject.folder)?);
    service_image(&bench.run, &bench.subject, &copy.path(), injection).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_words_are_made_safe() {
        assert_eq!(clean("/srv/app/./"), "/srv/app");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
