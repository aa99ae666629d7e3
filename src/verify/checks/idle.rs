//! `dev.idle`: what dev costs while nobody edits.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::reload::programs;
use crate::engine::Container;
use crate::lab::at_work::settled;
use crate::lab::mount::source_mount;
use crate::lab::pace;
use crate::lab::ports::{dev_port, publish};
use crate::lab::workcopy::WorkCopy;
use crate::lab::{Lab, Scene, blame};
use crate::text::Place;
use crate::verify::stop::Checked;
use crate::verify::verdict::{fail, inconclusive, pass};

/// So many files are added to the source; what looks at each of them ten times a second costs some 10 % of a processor then.
const FILES: usize = 4000;

/// Where they are put, in the folder of the source. Build tools of several languages pass over a name like this.
const FOLDER: &str = "_dockwright_idle";

/// How long the processor time is counted, and how often: what the new files set off needs its time.
const WINDOW: Duration = Duration::from_secs(6);
const WINDOWS: usize = 5;

/// The share of one processor that is little, in percent.
const LITTLE: f64 = 5.0;

/// A container, and what starts its work.
struct Watched<'a> {
    name: &'a str,
    container: &'a Container,
    place: Place,
}

/// `dev.idle`.
pub(super) async fn check(lab: &Lab) -> Checked {
    let role = lab.role("dev")?;
    source_mount(lab)?;
    let port = dev_port(lab).ok();
    // Before it starts: a change of so many files at once is more than some reloaders can bear. What loads every file of its
    // folder may not start with them, and is given them later.
    let mut seen = None;
    for seeded in [true, false] {
        let copy = Arc::new(lab.copy()?);
        if seeded {
            seed(lab, &copy)?;
        }
        let scene = lab.start_on(role, copy, |spec| port.into_iter().for_each(|port| publish(spec, port))).await?;
        match settled(lab, &scene, port, |answer| lab.is_well(answer)).await {
            Ok(_) => {
                if !seeded {
                    seed(lab, &scene.copy)?;
                }
                let verdict = measure(lab, &scene).await;
                scene.end().await;
                return verdict;
            }
            Err(why) => seen = Some((why, scene.log().await)),
        }
        scene.end().await;
    }
    let (why, log) = seen.unwrap_or_default();
    Ok(inconclusive(format!("dev does not serve: {why}")).log(log))
}

/// Puts many files where the source is, called as source is.
fn seed(lab: &Lab, copy: &WorkCopy) -> Checked<()> {
    let probe = lab.subject.project.verify.reload.as_ref().map(|probe| probe.file.to_string());
    let file = match probe {
        Some(file) => Some(file),
        None => programs(lab)?.into_iter().min_by_key(|path| path.matches('/').count()),
    };
    let file = file.unwrap_or_default();
    let (folder, name) = file
        .rsplit_once('/')
        .map_or((FOLDER.to_owned(), file.as_str()), |(folder, name)| (format!("{folder}/{FOLDER}"), name));
    let ending = name.rsplit_once('.').map_or(String::new(), |(_, ending)| format!(".{ending}"));
    copy.create_folder(&folder)?;
    for number in 0..FILES {
        copy.write(&format!("{folder}/f{number}{ending}"), b"")?;
    }
    Ok(())
}

/// Counts what dev and the containers beside it on the same source cost.
async fn measure(lab: &Lab, scene: &Scene) -> Checked {
    let watched = watched(lab, scene)?;
    let mut least = f64::INFINITY;
    let mut dearest = &watched[0];
    for _ in 0..WINDOWS {
        let began = Instant::now();
        let before = times(&watched).await?;
        pace::pause(WINDOW).await;
        let after = times(&watched).await?;
        let passed = began.elapsed();
        let (Some(before), Some(after)) = (before, after) else {
            return not_counted(&watched).await;
        };
        let shares = before.iter().zip(&after).map(|(before, after)| share(after.saturating_sub(*before), passed));
        let shares: Vec<f64> = shares.collect();
        let all: f64 = shares.iter().sum();
        if all <= LITTLE {
            return Ok(pass(format!("with {FILES} more files in the source it costs {all:.1} % of a processor")));
        }
        if all < least {
            least = all;
            let dear = watched.iter().zip(&shares).max_by(|(_, one), (_, other)| one.total_cmp(other));
            dearest = dear.map_or(dearest, |(one, _)| one);
        }
    }
    let other = if dearest.name == "dev" { String::new() } else { format!(", most of it in {}", dearest.name) };
    let what = format!("with {FILES} more files in the source it costs {least:.0} % of a processor at rest{other}");
    Ok(fail(what).expected(format!("{LITTLE:.0} % of a processor at most")).at_place(&dearest.place))
}

/// What does not run uses no processor, and nothing can be said of what it would use.
async fn not_counted(watched: &[Watched<'_>]) -> Checked {
    for one in watched {
        let state = one.container.inspect().await?;
        if !state.running {
            let why = format!("{} exited with {} while its processor time was counted", one.name, state.exit_code);
            return Ok(inconclusive(why).log(one.container.logs(Some(30)).await?));
        }
    }
    Ok(inconclusive("this engine does not count the processor time of containers"))
}

fn share(used: Duration, passed: Duration) -> f64 {
    100.0 * used.as_secs_f64() / passed.as_secs_f64()
}

/// dev, and the containers that it starts on the source that it has.
fn watched<'a>(lab: &'a Lab, scene: &'a Scene) -> Checked<Vec<Watched<'a>>> {
    let role = lab.role("dev")?;
    let dev = Watched { name: "dev", container: &scene.container, place: blame::command(&lab.subject, role) };
    let source = source_mount(lab)?.source.as_ref();
    let beside = scene.others().iter().filter_map(|(name, container)| {
        let service = lab.subject.compose.services.get(name)?;
        service.volumes.iter().any(|mount| mount.source.as_ref() == source).then_some(())?;
        let role = lab.subject.roles.iter().find(|role| lab.subject.service(role).name == *name);
        let place = role.map_or_else(|| service.at("command").clone(), |role| blame::command(&lab.subject, role));
        Some(Watched { name, container, place })
    });
    Ok([dev].into_iter().chain(beside).collect())
}

/// The processor time of each so far; none where the engine does not count it.
async fn times(watched: &[Watched<'_>]) -> Checked<Option<Vec<Duration>>> {
    let mut times = Vec::new();
    for one in watched {
        match one.container.processor_time().await? {
            Some(time) => times.push(time),
            None => return Ok(None),
        }
    }
    Ok(Some(times))
}
