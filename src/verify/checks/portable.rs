//! `scaffold.portable`: what another checkout of the project makes of every role.

use std::time::Duration;

use crate::compose::{Compose, ComposeMount, Definition};
use crate::engine::EntryKind;
use crate::lab::at_work::settled;
use crate::lab::checkout::{CheckedOut, Checkout, check_out};
use crate::lab::images::is_of_network;
use crate::lab::pace;
use crate::lab::ports::{port_of, publish};
use crate::lab::suite::suite;
use crate::lab::versioned::{is_unversioned, unversioned_by, unversioned_programs};
use crate::lab::{Lab, blame, if_possible};
use crate::subject::RoleSubject;
use crate::text::{Place, listed};
use crate::verify::stop::Checked;
use crate::verify::verdict::{Verdict, fail, inconclusive, pass, skipped};

/// How long a container without a port has to stay up to count as one that runs.
const STAYS: Duration = Duration::from_secs(2);

/// The roles that are tried. The others are made from the same files.
const TRIED: &[&str] = &["service", "test", "dev", "dev-tools"];

const EXPECTED: &str = "every role works from any checkout, and two checkouts do not disturb each other";

/// `scaffold.portable`.
pub(super) async fn check(lab: &Lab) -> Checked {
    if let Some((what, place)) = shared_name(lab) {
        return Ok(fail(what).expected(EXPECTED).at(lab.subject.shown(&place.file), place.line));
    }
    let tried = lab.subject.roles.iter().filter(|role| TRIED.contains(&role.name.as_str()));
    let roles: Vec<&RoleSubject> = tried.filter(|role| lab.container_image(&role.name).is_ok()).collect();
    if roles.is_empty() {
        return Ok(skipped("no role that could be tried was built"));
    }
    let left_out = unversioned_programs(&lab.subject.folder);
    let all = Checkout { private: true, crlf: true, without: &left_out };
    let first = match tried_from(lab, all, &roles, "under umask 077 with CRLF").await? {
        Tried::Broken(verdict) => verdict,
        Tried::Work(names) if names.is_empty() => {
            return Ok(inconclusive("no role works as the project is, so that none could be seen to work elsewhere"));
        }
        Tried::Work(names) => {
            return Ok(pass(format!(
                "from a checkout under umask 077, with CRLF where git writes it, these work: {}",
                names.join(", ")
            )));
        }
    };
    let none = Checkout { private: false, crlf: false, without: &[] };
    let each = [
        (Checkout { private: true, ..none }, "under umask 077"),
        (Checkout { crlf: true, ..none }, "with CRLF line ends"),
    ];
    for (how, told) in each {
        if let Tried::Broken(verdict) = tried_from(lab, how, &roles, told).await? {
            return Ok(verdict);
        }
    }
    let Some(missing) = left_out.first() else { return Ok(first) };
    let told = format!("without what git ignores ({})", listed(&left_out, 3));
    let Tried::Broken(verdict) = tried_from(lab, Checkout { without: &left_out, ..none }, &roles, &told).await? else {
        return Ok(first);
    };
    let verdict = verdict.hint("Commit what the roles need, or let the build make it.");
    let folder = &lab.subject.folder;
    Ok(match unversioned_by(folder, &folder.join(missing)) {
        Some(rule) => verdict.at(lab.subject.shown(&rule.file), rule.line),
        None => verdict,
    })
}

/// A name that every checkout has, so that Compose takes the containers of one for those of the other.
fn shared_name(lab: &Lab) -> Option<(String, &Place)> {
    let compose = &lab.subject.compose;
    // A name that git leaves out is that of one checkout.
    if let Some(place) = compose.fixed_name.as_ref().filter(|place| !is_unversioned(&lab.subject.folder, &place.file)) {
        let what = format!(
            "every checkout is the project `{}`, so that one replaces the containers of the other",
            compose.name
        );
        return Some((what, place));
    }
    let of_volumes = compose.volumes.values().filter_map(|volume| {
        let is_it = |mount: &ComposeMount| mount.as_bind().is_none() && mount.source.as_ref() == Some(&volume.key);
        let is_used = compose.services.values().any(|one| one.volumes.iter().any(is_it));
        let place = fixed_name(compose, "volumes", volume).filter(|_| is_used)?;
        Some((format!("every checkout keeps its data in the volume `{}`", volume.name), place))
    });
    let of_networks = compose.networks.values().filter_map(|network| {
        let is_used = compose.services.values().any(|one| one.networks.contains_key(&network.key));
        let place = fixed_name(compose, "networks", network).filter(|_| is_used)?;
        let name = &network.name;
        Some((format!("the containers of every checkout answer to the same names in the network `{name}`"), place))
    });
    let of_containers = compose.services.values().filter_map(|service| {
        let name =
            service.container_name.as_ref().filter(|_| !compose.varies(Some(&service.name), "container_name"))?;
        let what = format!("every checkout calls its container `{name}`, and the engine has only one of that name");
        Some((what, service.at("container_name")))
    });
    of_containers.chain(of_volumes).chain(of_networks).next()
}

/// Where a volume or a network of the project's own gets a name, if no variable is in it.
fn fixed_name<'a>(compose: &Compose, section: &str, one: &'a Definition) -> Option<&'a Place> {
    let own = !one.external && !compose.varies(None, &format!("{section}.{}.name", one.key));
    one.said.iter().find(|said| own && said.field == "name").map(|said| &said.place)
}

/// What came of a checkout.
enum Tried<'a> {
    /// What does not work from it, and does as the project is.
    Broken(Verdict),
    /// What works from it.
    Work(Vec<&'a str>),
}

async fn tried_from<'a>(lab: &Lab, how: Checkout<'_>, roles: &[&'a RoleSubject], told: &str) -> Checked<Tried<'a>> {
    let built = lab.subject.roles.iter().filter(|role| lab.container_image(&role.name).is_ok());
    let names: Vec<String> = built.map(|role| role.name.clone()).collect();
    let there = check_out(lab, how, &names).await?;
    if let Some(failed) = there.lab.failed() {
        if is_of_network(&failed.failure) {
            let what =
                format!("the image of {} could not be built from another checkout: the network failed", failed.role);
            return Ok(Tried::Broken(inconclusive(what).log(failed.failure.log_tail.clone())));
        }
        let what =
            format!("from a checkout {told} the image of {} does not build: {}", failed.role, failed.failure.message);
        let line = failed.failure.line.unwrap_or_else(|| failed.target.line());
        let log = failed.failure.log_tail.clone();
        return Ok(Tried::Broken(fail(what).expected(EXPECTED).at(failed.target.file.clone(), line).log(log)));
    }
    let mut work = Vec::new();
    for role in roles {
        let seen = works(&there.lab, role).await?;
        if matches!(seen, Ok(None | Some(200..300))) {
            work.push(role.name.as_str());
            continue;
        }
        // Where no path says whether it is well, it has to answer as it does here.
        let why = match (seen, works(lab, role).await?) {
            (_, Err(_)) => continue,
            (Ok(there), Ok(here)) if there == here => {
                work.push(role.name.as_str());
                continue;
            }
            (Ok(there), Ok(here)) => {
                let status = |one: Option<u16>| one.unwrap_or_default();
                let what =
                    format!("it answers with status {}, and as the project is with {}", status(there), status(here));
                Broken { what, log: Vec::new() }
            }
            (Err(why), Ok(_)) => why,
        };
        let place = to_blame(lab, &there, role).await?;
        let what = format!("from a checkout {told} {} does not work: {}", role.name, why.what);
        return Ok(Tried::Broken(fail(what).expected(EXPECTED).at_place(&place).log(why.log)));
    }
    Ok(Tried::Work(work))
}

/// What was seen of a role that does not work.
struct Broken {
    what: String,
    log: Vec<String>,
}

/// Starts a role as it is meant to be used: it serves, with the status that is returned, its suite passes, or it stays up.
async fn works(lab: &Lab, role: &RoleSubject) -> Checked<Result<Option<u16>, Broken>> {
    let Some(role) = lab.subject.role(&role.name) else { return Ok(Ok(None)) };
    if role.role == "test" {
        let ran = suite(lab).await?;
        return Ok(match ran.ending.code() {
            Some(0) => Ok(None),
            Some(code) => Err(Broken { what: format!("the suite exited with {code}"), log: ran.log.clone() }),
            None => Err(Broken { what: "the suite did not finish".to_owned(), log: ran.log.clone() }),
        });
    }
    let serves = role.role != "dev-tools";
    let image = lab.container_image(&role.name)?;
    let port = if serves { if_possible(port_of(lab, lab.subject.service(role), image))? } else { None };
    let scene = lab.start(role, |spec| port.into_iter().for_each(|port| publish(spec, port))).await?;
    let seen = if serves {
        settled(lab, &scene, port, |answer| lab.is_well(answer)).await
    } else {
        pace::pause(STAYS).await;
        Ok(None)
    };
    let state = scene.container.inspect().await?;
    let seen = match seen {
        Ok(_) if !state.running => Err(format!("it exited with {}", state.exit_code)),
        seen => seen,
    };
    let seen = match seen {
        Ok(status) => Ok(status),
        Err(what) => Err(Broken { what, log: scene.log().await }),
    };
    scene.end().await;
    Ok(seen)
}

/// The instruction that copies the first file into the role's image that came out otherwise; programs come first.
async fn to_blame(lab: &Lab, there: &CheckedOut, role: &RoleSubject) -> Checked<Place> {
    let (ours, theirs) = (lab.container_image(&role.name)?, there.lab.container_image(&role.name)?);
    let (before, after) = (lab.tree(&ours.id).await?, there.lab.tree(&theirs.id).await?);
    let changed = after.files.iter().filter(|(path, entry)| {
        let before = before.files.get(*path);
        entry.kind != EntryKind::Symlink
            && before.is_some_and(|old| (old.mode, old.sha256) != (entry.mode, entry.sha256))
    });
    let mut changed: Vec<_> = changed.collect();
    changed.sort_by_key(|(_, entry)| entry.mode & 0o111 == 0 || entry.kind == EntryKind::Directory);
    let copied = changed.iter().find_map(|(path, _)| blame::copied_to(&role.target, path, &ours.config.working_dir));
    Ok(copied.unwrap_or_else(|| blame::command(&lab.subject, role)))
}
