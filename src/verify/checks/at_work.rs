//! dev while it serves: started once, for all contracts that only look at it or write into its source.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::capabilities::{Rights, look};
use super::reload::{publish, service_port};
use crate::engine::Process;
use crate::verify::bench::{Bench, Checked, Scene};
use crate::verify::http;

/// How long a container is given where nothing says when it serves.
pub(super) const SETTLES: Duration = Duration::from_secs(3);

/// dev's container, and what was seen of it before anybody else touched its source.
pub(in crate::verify) struct AtWork {
    /// It runs until the end of the run.
    pub(super) scene: Scene,
    /// The host's port that it answers on, where that is known.
    pub(super) host: Option<u16>,
    /// Whether it answered; the error is what was seen instead.
    pub(super) served: Result<(), String>,
    /// Its processes; none if it ended.
    pub(super) processes: Option<Vec<Process>>,
    /// What each may do; none where that cannot be read.
    pub(super) rights: Option<Vec<Rights>>,
    /// A file below its source that is not the owner's, and whose it is.
    pub(super) foreign_file: Option<(PathBuf, u32)>,
}

impl AtWork {
    /// Removes its containers.
    pub(in crate::verify) async fn end(self) {
        self.scene.end().await;
    }
}

/// dev at work; the first to ask starts it.
pub(super) async fn dev(bench: &Bench) -> Checked<&AtWork> {
    bench.at_work.get_or_try_init(|| start(bench)).await
}

async fn start(bench: &Bench) -> Checked<AtWork> {
    let role = bench.role("dev")?;
    let port = service_port(bench).ok();
    let scene = bench.start(role, |spec| port.into_iter().for_each(|port| publish(spec, port))).await?;
    // The process that serves is what counts; before it serves, an entrypoint may still be root.
    let host = match port {
        Some(port) => scene.container.inspect().await?.host_port(port),
        None => None,
    };
    let served = match (host, bench.subject.project.verify.health.as_ref()) {
        (Some(host), Some(health)) => {
            scene.answer(host, health.as_str(), bench.patience(), http::Answer::ok).await.map(drop)
        }
        _ => {
            tokio::time::sleep(SETTLES).await;
            Ok(())
        }
    };
    let (processes, rights) =
        look(bench, &scene.container).await.ok().map_or((None, None), |(all, may)| (Some(all), may));
    let foreign_file = of_others(&scene.copy.path(), scene.copy.uid());
    Ok(AtWork { scene, host, served, processes, rights, foreign_file })
}

/// A file below a folder that belongs to another uid.
fn of_others(folder: &Path, uid: u32) -> Option<(PathBuf, u32)> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        for entry in std::fs::read_dir(folder).ok()?.filter_map(Result::ok) {
            let Ok(meta) = entry.metadata() else { continue };
            if meta.uid() != uid {
                return Some((entry.path(), meta.uid()));
            }
            if meta.is_dir()
                && let Some(found) = of_others(&entry.path(), uid)
            {
                return Some(found);
            }
        }
    }
    #[cfg(not(unix))]
    let _ = (folder, uid);
    None
}
