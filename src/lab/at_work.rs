//! dev while it serves: started once, for all who only look at it or write into its source.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::Lab;
use super::http;
use super::mount::{source_folder, source_mount};
use super::obstacle::Attempt;
use super::pace;
use super::ports::{dev_port, health_path, publish};
use super::rights::{Rights, look};
use super::scene::Scene;
use crate::engine::Process;

/// How long a container is given where nothing says when it serves.
const SETTLES: Duration = Duration::from_secs(3);

/// Waits until a container that was just started gives an answer that is wanted, and returns its status; the error is what was
/// seen instead. Where nothing says when it serves, it is given some seconds.
pub(crate) async fn settled(
    lab: &Lab,
    scene: &Scene,
    port: Option<u16>,
    wanted: impl Fn(&http::Answer) -> bool,
) -> Result<Option<u16>, http::NoAnswer> {
    let host = match port {
        Some(port) => scene.host_port(port).await.ok(),
        None => None,
    };
    match (host, health_path(lab)) {
        (Some(host), Ok(path)) => {
            scene.answer(host, &path, lab.patience(), wanted).await.map(|(answer, _)| Some(answer.status))
        }
        _ => {
            pace::pause(SETTLES).await;
            Ok(None)
        }
    }
}

/// dev's container, and what was seen of it before anybody else touched its source.
pub(crate) struct AtWork {
    /// It runs until the end of the run.
    pub(crate) scene: Scene,
    /// The host's port that it answers on, where that is known.
    pub(crate) host: Option<u16>,
    /// Whether it answered; the error is what was seen instead.
    pub(crate) served: Result<(), String>,
    /// Its processes; none if it ended.
    pub(crate) processes: Option<Vec<Process>>,
    /// What each may do; none where that cannot be read.
    pub(crate) rights: Option<Vec<Rights>>,
    /// A file below its source that is not the owner's, and whose it is.
    pub(crate) foreign_file: Option<(PathBuf, u32)>,
}

/// dev at work; the first to ask starts it.
pub(crate) async fn dev(lab: &Lab) -> Attempt<Arc<AtWork>> {
    lab.fact(start(lab)).await
}

/// Removes its containers, if it was started: they work on a copy that goes with the lab.
pub(crate) async fn end(lab: &Lab) {
    if let Some(work) = lab.known::<AtWork>() {
        work.scene.remove().await;
    }
}

async fn start(lab: &Lab) -> Attempt<AtWork> {
    let role = lab.role("dev")?;
    let port = dev_port(lab).ok();
    let scene = lab.start(role, |spec| port.into_iter().for_each(|port| publish(spec, port))).await?;
    // The process that serves is what counts; before it serves, an entrypoint may still be root.
    let host = match port {
        Some(port) => scene.container.inspect().await?.host_port(port),
        None => None,
    };
    let served = settled(lab, &scene, port, |answer| lab.is_well(answer)).await.map(drop);
    let (processes, rights) =
        look(lab, &scene.container).await.ok().map_or((None, None), |(all, may)| (Some(all), may));
    let foreign_file = of_others(&scene.copy.path(), scene.copy.uid(), &mount_points(lab, &scene.copy.path()));
    Ok(AtWork { scene, host, served, processes, rights, foreign_file })
}

/// Where other mounts lie over the source, as paths of the copy in a folder. The engine itself makes what is missing there,
/// and what is written there does not get onto the source.
fn mount_points(lab: &Lab, copy: &Path) -> Vec<PathBuf> {
    let (Ok(role), Ok(mount)) = (lab.role("dev"), source_mount(lab)) else { return Vec::new() };
    let service = lab.subject.service(role);
    let inside = source_folder(lab, mount);
    let of_image = lab.container_image("dev").map(|image| image.config.volumes.as_slice()).unwrap_or_default();
    let laid = lab.subject.compose.laid(service).into_iter().map(|other| other.target);
    let targets: Vec<String> = laid.chain(of_image.iter().cloned()).collect();
    let below = targets.iter().filter_map(|target| Path::new(target).strip_prefix(&mount.target).ok());
    below.filter(|below| !below.as_os_str().is_empty()).map(|below| copy.join(&inside).join(below)).collect()
}

/// A file below a folder that belongs to another uid. What stands under a mount does not count, nor do the folders on the
/// way there.
fn of_others(folder: &Path, uid: u32, mounts: &[PathBuf]) -> Option<(PathBuf, u32)> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        for entry in std::fs::read_dir(folder).ok()?.filter_map(Result::ok) {
            let Ok(meta) = entry.metadata() else { continue };
            let path = entry.path();
            if mounts.contains(&path) {
                continue;
            }
            let leads_to_a_mount = meta.is_dir() && mounts.iter().any(|mount| mount.starts_with(&path));
            if meta.uid() != uid && !leads_to_a_mount {
                return Some((path, meta.uid()));
            }
            if meta.is_dir()
                && let Some(found) = of_others(&path, uid, mounts)
            {
                return Some(found);
            }
        }
    }
    #[cfg(not(unix))]
    let _ = (folder, uid, mounts);
    None
}
