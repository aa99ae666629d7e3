//! `dev-tools.shared-source`: who edits in dev-tools edits what dev runs.

use std::path::Path;
use std::time::{Duration, Instant};

use super::reload::programs;
use crate::compose::ComposeMount;
use crate::lab::at_work::AtWork;
use crate::lab::live::reloaded;
use crate::lab::mount::source_mount;
use crate::lab::pace::Watch;
use crate::lab::ports::health_path;
use crate::lab::processes::{foreign, is_init};
use crate::lab::{Lab, Scene, at_work, blame, http};
use crate::subject::RoleSubject;
use crate::text::Place;
use crate::verify::stop::Checked;
use crate::verify::verdict::{Verdict, fail, inconclusive, pass};

/// How long an entrypoint may take to give the container its user.
const TAKES_ON: Duration = Duration::from_secs(3);

/// What the edit in dev-tools puts in place of the text of `[verify.reload]`, and what one on the host does.
const IN_TOOLS: &str = "Sharedsource";
const ON_HOST: &str = "Hostsource";

/// `dev-tools.shared-source`.
pub(super) async fn check(lab: &Lab) -> Checked {
    let role = lab.role("dev-tools")?;
    lab.container_image("dev-tools")?;
    let mount = source_mount(lab)?;
    if let Some(verdict) = other_mount(lab, role, mount) {
        return Ok(verdict);
    }
    let work = at_work::dev(lab).await?;
    if let Err(why) = &work.served {
        return Ok(inconclusive(format!("dev does not serve: {why}")));
    }
    let info = lab.engine().info();
    let shifted = info.rootless || info.userns;
    let Some(processes) = &work.processes else {
        return Ok(inconclusive("the processes of dev cannot be seen on this engine"));
    };
    let owner = work.scene.copy.uid();
    if !shifted && foreign(processes, owner).is_some() {
        return Ok(inconclusive("dev does not run as the owner of the source"));
    }
    // Where ids are shifted, what dev runs as stands for the owner.
    let uid = if shifted {
        processes.iter().rfind(|process| !is_init(process)).and_then(|process| process.uid).unwrap_or(owner)
    } else {
        owner
    };
    let scene = lab.start_on(role, work.scene.copy.clone(), |_| {}).await?;
    let verdict = edit(lab, role, &work, &scene, (mount, uid, shifted)).await;
    scene.end().await;
    verdict
}

/// What is wrong with where dev-tools has the source; none if it is where dev has it.
fn other_mount(lab: &Lab, role: &RoleSubject, mount: &ComposeMount) -> Option<Verdict> {
    let service = lab.subject.service(role);
    let shown = |mount: &ComposeMount| {
        let source = mount.source.clone().unwrap_or_else(|| "a volume".into());
        let shown = lab.subject.shown(Path::new(&source));
        if shown.is_empty() { ".".to_owned() } else { shown }
    };
    let refuse = |what: String, place: &Place| {
        Some(
            fail(what)
                .expected(format!("{} at {}, writable, as in dev", shown(mount), mount.target))
                .at_place(place)
                .by_itself(),
        )
    };
    let Some(own) = service.volumes.iter().find(|own| own.target == mount.target) else {
        let meant = service.volumes.iter().find(|own| own.source == mount.source);
        return match meant {
            Some(own) => refuse(format!("the source is mounted at {}", own.target), &own.place),
            None => refuse(format!("nothing is mounted at {}", mount.target), service.at("volumes")),
        };
    };
    if own.source != mount.source || own.as_bind().is_none() {
        return refuse(format!("{} is mounted at {}", shown(own), own.target), &own.place);
    }
    if own.read_only {
        return refuse(format!("{} is mounted read-only", shown(own)), &own.place);
    }
    None
}

async fn edit(
    lab: &Lab,
    role: &RoleSubject,
    work: &AtWork,
    scene: &Scene,
    (mount, uid, shifted): (&ComposeMount, u32, bool),
) -> Checked {
    if let Some(verdict) = other_user(lab, role, scene, uid).await? {
        return Ok(verdict);
    }
    let writer = Writer { lab, scene, mount, user: if shifted { None } else { Some((uid, work.scene.copy.gid())) } };
    let (Some(host), Ok(health)) = (work.host, health_path(lab)) else {
        return Ok(
            inconclusive("[verify] health is not declared, so no answer shows a reload").at("dockwright.toml", None)
        );
    };
    let Some(probe) = &lab.subject.project.verify.reload else {
        let before = work.scene.container.top().await?;
        let state = work.scene.container.inspect().await?;
        let sources = programs(lab)?;
        if sources.is_empty() {
            return Ok(inconclusive("[verify.reload] is not declared, and no source file was recognised"));
        }
        for file in &sources {
            let Ok(text) = work.scene.copy.read_text(file) else { continue };
            if let Err(verdict) = writer.write(file, &format!("{text}\n")).await? {
                return Ok(verdict);
            }
        }
        let seen = reloaded(lab, &work.scene, (host, health.as_str()), (&before, &state)).await?;
        return Ok(match seen {
            Ok(time) => {
                writer.kept(uid, &format!("a new process served {:.1} s after an edit in it", time.as_secs_f64()))
            }
            Err(why) => inconclusive(format!("after an edit made in dev-tools: {why}")),
        });
    };
    let (file, path) = (probe.file.as_str(), probe.path.as_str());
    let original = match work.scene.copy.read_text(file) {
        Ok(text) if text.contains(&probe.text) => text,
        _ => {
            let what = format!("[verify.reload]: {file} does not contain the text {:?}", probe.text);
            return Ok(inconclusive(what).at("dockwright.toml", None));
        }
    };
    if let Err(verdict) = writer.write(file, &original.replace(&probe.text, IN_TOOLS)).await? {
        return Ok(verdict);
    }
    let start = Instant::now();
    let shows = |word: &'static str| work.scene.answer(host, path, lab.patience(), move |one| one.body.contains(word));
    let Err(why) = shows(IN_TOOLS).await else {
        let seconds = start.elapsed().as_secs_f64();
        return Ok(writer.kept(uid, &format!("dev served an edit made in it after {seconds:.1} s")));
    };
    // The same from the host tells whose fault it is.
    work.scene.copy.write(file, original.replace(&probe.text, ON_HOST).as_bytes())?;
    Ok(match shows(ON_HOST).await {
        Ok(_) => fail(format!("dev served an edit of {file} on the host, and not one made in dev-tools: {why}"))
            .at_place(lab.subject.service(role).at("volumes"))
            .by_itself(),
        Err(why) => inconclusive(format!("dev serves no edit of {file}, wherever it was made: {why}")),
    })
}

/// What is wrong with the user that dev-tools runs as; none if it is that of dev.
async fn other_user(lab: &Lab, role: &RoleSubject, scene: &Scene, uid: u32) -> Checked<Option<Verdict>> {
    let start = Watch::start();
    loop {
        let state = scene.container.inspect().await?;
        if !state.running {
            let what = format!("dev-tools does not stay up: it exited with {}", state.exit_code);
            return Ok(Some(inconclusive(what).log(scene.log().await)));
        }
        let processes = scene.container.top().await.unwrap_or_default();
        let other = foreign(&processes, uid);
        if other.is_none() && processes.iter().any(|process| !is_init(process)) {
            return Ok(None);
        }
        if start.elapsed() > TAKES_ON {
            let place = blame::user_or_entrypoint(&lab.subject, role);
            let what = match other {
                Some(other) => {
                    let command = http::shorten(&other.command);
                    format!("`{command}` runs as uid {} in dev-tools, and dev as {uid}", other.user)
                }
                None => return Ok(Some(inconclusive("the processes of dev-tools cannot be seen on this engine"))),
            };
            let expected = "dev-tools runs as the uid that dev has, the source's owner";
            return Ok(Some(fail(what).expected(expected).at_place(&place).by_itself()));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Writes files of the source inside of dev-tools.
struct Writer<'a> {
    lab: &'a Lab,
    scene: &'a Scene,
    mount: &'a ComposeMount,
    /// None to write as the container's own user.
    user: Option<(u32, u32)>,
}

impl Writer<'_> {
    /// Writes a file, by its path in the project; the inner error is what is wrong with dev-tools.
    async fn write(&self, file: &str, text: &str) -> Checked<Result<(), Verdict>> {
        let folder = &self.lab.subject.folder;
        let source = self.mount.source.clone().unwrap_or_default();
        let Ok(inside) = folder.join(file).strip_prefix(&source).map(|path| path.to_string_lossy().into_owned()) else {
            return Ok(Err(inconclusive(format!("{file} of [verify.reload] is not in what dev mounts"))));
        };
        let path = format!("{}/{inside}", self.mount.target.trim_end_matches('/'));
        let user = self.user.map(|(uid, gid)| format!("{uid}:{gid}"));
        let command = ["sh", "-c", "printf %s \"$TEXT\" > \"$FILE\""];
        let done = self.scene.container.exec(&command, user.as_deref(), &[("TEXT", text), ("FILE", &path)]).await;
        match done {
            Ok(done) if done.exit_code == 0 => {}
            // 126 and 127: there is no shell, and the file comes by the engine.
            Ok(done) if !matches!(done.exit_code, 126 | 127) => {
                let what = format!("{path} cannot be written in dev-tools: {}", http::shorten(&done.output));
                return Ok(Err(fail(what).at_place(self.mount_place()).by_itself()));
            }
            _ if !self.scene.container.inspect().await?.running => {
                return Ok(Err(inconclusive("dev-tools does not stay up").log(self.scene.log().await)));
            }
            _ => {
                let (uid, gid) = self.user.unwrap_or((self.scene.copy.uid(), self.scene.copy.gid()));
                self.scene.container.write_file(&path, text.as_bytes(), 0o644, uid, gid).await?;
            }
        }
        let seen = self.scene.copy.read_text(file).unwrap_or_default();
        if seen != text {
            let what = format!("{path}, written in dev-tools, is not {file} of the project");
            return Ok(Err(fail(what).at_place(self.mount_place()).by_itself()));
        }
        Ok(Ok(()))
    }

    fn mount_place(&self) -> &Place {
        let service = self.lab.subject.roles.iter().find(|role| role.role == "dev-tools");
        let service = service.map(|role| self.lab.subject.service(role));
        let own = service.and_then(|service| service.volumes.iter().find(|own| own.target == self.mount.target));
        own.map_or(&self.mount.place, |own| &own.place)
    }

    fn kept(&self, uid: u32, how: &str) -> Verdict {
        pass(format!("the same source at {}, by uid {uid}; {how}", self.mount.target))
    }
}
