//! A build of the mounted source: the builder container runs the build stage's own commands, and what it
//! made is streamed into a fresh service container, which becomes the service image.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::Lab;
use super::images::{Image, build_text};
use super::injection::{Injection, clean, destination};
use super::obstacle::{Attempt, Obstacle, Reason};
use super::spec::{Places, spec, trusted};
use crate::compose::ComposeMount;
use crate::dockerfile::{CommandForm, DroppedCopy, Heredoc, LaterRun, Truncated, expand};
use crate::engine::{Commit, Container, ContainerSpec, EngineRun, ImageInfo, MountSpec, TarEdit};
use crate::spec::MountKind;
use crate::subject::{RoleSubject, Subject, Target};

/// How long a build in a container may take.
const BUILD: Duration = Duration::from_mins(30);

/// Builds the service image out of the mounted `source`; returns it, and the image that the output was put into.
pub(crate) async fn service_image(
    run: &EngineRun,
    subject: &Subject,
    source: &Path,
    injection: &Injection,
) -> Attempt<(ImageInfo, ImageInfo)> {
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
pub(super) async fn fill_volume(lab: &Lab, key: &str) -> Result<String, String> {
    let filled = async {
        let build = lab.role("build")?;
        let copy = lab.copy()?;
        let volume = lab.run.volume(key).await?;
        let volumes = [(key.to_owned(), volume.name.clone())].into();
        let target = build.own.as_ref().unwrap_or(&build.target);
        run_builder(&lab.run, &lab.subject, target, &copy.path(), volumes).await?.remove().await?;
        Ok(volume.name)
    };
    let filled: Attempt<String> = filled.await;
    filled.map_err(|obstacle| obstacle.told())
}

fn built(image: Image) -> Attempt<ImageInfo> {
    image.map_err(Obstacle::Off)
}

/// Runs the build stage's commands on the mounted source, in the builder container that compose.yaml
/// describes; returns the container, ended and with exit code 0.
async fn run_builder(
    run: &EngineRun,
    subject: &Subject,
    target: &Target,
    source: &Path,
    volumes: BTreeMap<String, String>,
) -> Attempt<Container> {
    let role: &RoleSubject = subject.role("build").ok_or_else(|| Obstacle::off("the role build is off"))?;
    let cut = target.dockerfile.truncated_before_source(target.stage);
    if cut.cut.is_none() || cut.runs.is_empty() {
        let why = "the build stage copies no source and then builds it, so there is nothing to run on a mount";
        return Err(Reason::new(why).at(target.place(target.line())).unseen());
    }
    let image = built(build_text(run, target, cut.text.clone(), "builder").await?)?;
    let service = subject.service(role);
    trusted(&subject.compose, service)?;
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
        Places { copy: source.to_owned(), volumes, proxies: run.engine().proxies(), ..Places::of(&subject.folder) };
    let mut spec = spec(&subject.compose, service, &image.id, &places);
    // Without a volume of the run's own, the output stays in the container, where it can be read.
    spec.mounts.retain(|mount| !matches!(mount.kind, MountKind::Volume { .. }) || mount.source.is_some());
    spec.ports.clear();
    spec.settings.read_only = false;
    let workdir = spec.settings.working_dir.clone().unwrap_or_else(|| image.config.working_dir.clone());
    if !spec.mounts.iter().any(|mount| mount.target == workdir) {
        // The builder of compose.yaml may work in another folder than the build stage: each then has the source in its own.
        let own = service.settings.working_dir.clone().or_else(|| role.target.dockerfile.workdir(role.target.stage));
        let works = own.as_deref().unwrap_or(&workdir);
        if let Some(mount) = elsewhere(subject, role, &target.context, works) {
            let why =
                format!("the builder has the source at {}, and works in {works}", mount.target.trim_end_matches('/'));
            return Err(Reason::new(why).at(mount.place.clone()).refused());
        }
        spec.mounts.push(MountSpec::bind(source, workdir.clone()));
    }
    script(&cut, &image, &mut spec, target)?;
    let container = run.create(&spec).await?;
    container.start().await?;
    let code = match tokio::time::timeout(BUILD, container.wait()).await {
        Ok(code) => code?,
        Err(_) => {
            return Err(Reason::new(format!("the builder did not finish within {} s", BUILD.as_secs())).refused());
        }
    };
    if code != 0 {
        let why = format!("the builder on the mounted source exited with {code}");
        let log = container.logs(Some(30)).await?;
        // A builder that has another folder there than the one that the build copies cannot do what the build does.
        let mounted = service.volumes.iter().find(|mount| mount.target == workdir);
        let other = mounted.filter(|mount| mount.source.as_deref().map(Path::new) != Some(target.context.as_path()));
        let place = other.map_or_else(|| target.place(cut.runs[0].line), |mount| mount.place.clone());
        return Err(Reason::new(why).at(place).log(log).refused());
    }
    Ok(container)
}

/// The mount by which compose.yaml's builder has the source in another folder than the one that the build works in. A
/// service that plays other roles, too, has its mounts for those.
fn elsewhere<'a>(
    subject: &'a Subject,
    role: &'a RoleSubject,
    context: &Path,
    workdir: &str,
) -> Option<&'a ComposeMount> {
    if subject.roles.iter().any(|other| other.name != role.name && other.service == role.service) {
        return None;
    }
    let service = subject.service(role);
    let whole = service.volumes.iter().find(|mount| {
        let source = mount.as_bind().and(mount.source.as_deref()).map(Path::new);
        source.is_some_and(|source| context.starts_with(source))
    })?;
    let inside = context.strip_prefix(whole.source.as_deref()?).ok()?;
    (clean(&format!("{}/{}", whole.target, inside.display())) != clean(workdir)).then_some(whole)
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
fn script(cut: &Truncated, image: &ImageInfo, spec: &mut ContainerSpec, target: &Target) -> Attempt<()> {
    let refuse = |line: usize, why: &str| Err(Reason::new(why).at(target.place(line)).unseen());
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
        lines.push(one_run(run, image));
    }
    spec.settings.entrypoint =
        spec.settings.entrypoint.take().or_else(|| Some(image.config.entrypoint.clone()).filter(|own| !own.is_empty()));
    spec.settings.command = Some(vec!["/bin/sh".into(), "-c".into(), lines.join("\n")]);
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
        CommandForm::Exec(words) => words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "),
        CommandForm::Shell(line) if is_program(line, &run.run.heredocs) => program(&run.run.heredocs[0].content),
        CommandForm::Shell(line) => {
            let line = &with_heredocs(line, &run.run.heredocs);
            let image_shell = (!image.config.shell.is_empty()).then(|| image.config.shell.clone());
            let shell = run.shell.clone().or(image_shell).unwrap_or_else(|| vec!["/bin/sh".into(), "-c".into()]);
            let words = shell.iter().chain([line]).map(|word| quoted(word));
            words.collect::<Vec<_>>().join(" ")
        }
    });
    format!("( {} )", parts.join(" && "))
}

/// Whether a RUN is nothing but the opening of one here-document.
fn is_alone(line: &str, heredocs: &[Heredoc]) -> bool {
    heredocs.len() == 1 && line.trim().starts_with("<<") && !line.trim().contains(char::is_whitespace)
}

/// Whether a RUN is a here-document that says itself what runs it.
fn is_program(line: &str, heredocs: &[Heredoc]) -> bool {
    is_alone(line, heredocs) && heredocs[0].content.starts_with("#!")
}

/// Runs a text by what its first line names, as the kernel does: folders for what is passing may forbid to run programs.
fn program(content: &str) -> String {
    let first = content.lines().next().unwrap_or_default().trim_start_matches("#!").trim();
    let (interpreter, word) = first.split_once(char::is_whitespace).unwrap_or((first, ""));
    let words: Vec<String> =
        [interpreter, word.trim()].into_iter().filter(|word| !word.is_empty()).map(quoted).collect();
    let file = "\"$dockwright_program\"";
    let (words, content) = (words.join(" "), quoted(content));
    format!("dockwright_program=$(mktemp) && printf %s {content} > {file} && {words} {file} && rm {file}")
}

/// What the shell of a RUN gets: a here-document that is all of it is the script itself, others follow their line.
fn with_heredocs(line: &str, heredocs: &[Heredoc]) -> String {
    if is_alone(line, heredocs) {
        return heredocs[0].content.clone();
    }
    let bodies = heredocs.iter().map(|one| format!("\n{}{}", one.content, one.name));
    format!("{line}{}", bodies.collect::<String>()) + if heredocs.is_empty() { "" } else { "\n" }
}

/// A word of sh that stands for itself.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Does what a `COPY --from` does: a folder's content, or a file, owned by root unless it says otherwise.
async fn inject(builder: &Container, service: &Container, copy: &DroppedCopy, workdir: &str) -> Attempt<()> {
    let dest = destination(copy, workdir);
    let (uid, gid) = owner(copy)?;
    let (mode_clear, mode_set) = mode(copy)?;
    for source in &copy.sources {
        if source.contains(['*', '?', '[']) {
            return Err(Reason::new(format!("COPY --from with the pattern {source} cannot be injected")).unseen());
        }
        let Some(stat) = builder.stat(source).await? else {
            return Err(Reason::new(format!("the builder on the mounted source made no {source}")).refused());
        };
        // A folder's content goes into the destination; a file goes there under its own name, or becomes it.
        let into_folder = dest.ends_with('/') || dest.ends_with("/.") || copy.sources.len() > 1;
        let place = clean(&dest);
        let place = if stat.is_dir || !into_folder { place } else { format!("{place}/{}", stat.name) };
        let edit = TarEdit {
            uid: Some(uid),
            gid: Some(gid),
            mode_clear,
            mode_set,
            // From the root, so that the engine makes missing folders on the way.
            root: Some(place.trim_start_matches('/').to_owned()),
            contents_only: stat.is_dir,
            ..TarEdit::default()
        };
        builder.pipe(source, service, "/", edit).await?;
    }
    Ok(())
}

fn owner(copy: &DroppedCopy) -> Attempt<(u32, u32)> {
    let Some(chown) = &copy.chown else { return Ok((0, 0)) };
    let (user, group) = chown.split_once(':').unwrap_or((chown, chown));
    // Whatever else an image's accounts are, root is 0.
    let number = |name: &str| if name == "root" { Some(0) } else { name.parse().ok() };
    match (number(user), number(group)) {
        (Some(user), Some(group)) => Ok((user, group)),
        _ => Err(Reason::new(format!("COPY --chown={chown} names an account; only numbers can be injected")).unseen()),
    }
}

/// The permission bits that a copy takes away and gives.
fn mode(copy: &DroppedCopy) -> Attempt<(u32, u32)> {
    let Some(chmod) = &copy.chmod else { return Ok((0, 0)) };
    match u32::from_str_radix(chmod, 8) {
        Ok(mode) if mode <= 0o7777 => Ok((0o7777, mode)),
        _ => {
            Err(Reason::new(format!("COPY --chmod={chmod} is not an octal mode, and only those can be injected"))
                .unseen())
        }
    }
}

/// As [`service_image`], on a copy of the source.
pub(super) async fn on_a_copy(lab: &Lab, injection: &Injection) -> Attempt<(ImageInfo, ImageInfo)> {
    let copy = Arc::new(lab.copy()?);
    service_image(&lab.run, &lab.subject, &copy.path(), injection).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_made_safe() {
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }

    #[test]
    fn here_documents_are_given_to_the_shell_as_the_builder_gives_them() {
        let heredoc = |content: &str| vec![Heredoc { name: "EOF".into(), content: content.into(), expand: true }];
        assert_eq!(with_heredocs("<<EOF", &heredoc("make\n")), "make\n");
        assert_eq!(with_heredocs("cat <<EOF > x", &heredoc("a\n")), "cat <<EOF > x\na\nEOF\n");
        assert_eq!(with_heredocs("make", &[]), "make");
        assert!(is_program("<<EOF", &heredoc("#!/bin/sh\n")) && !is_program("sh <<EOF", &heredoc("#!/bin/sh\n")));
    }
}
