//! build.

use super::leftovers::made_from_build;
use crate::engine::{Entry, FileTree};
use crate::project::Code;
use crate::text::listed;
use crate::verify::artefact;
use crate::verify::bench::{Bench, Checked};
use crate::verify::inject::{self, Injection};
use crate::verify::outcome::{fail, pass, skipped};

/// How the service image that takes in the mounted builder's output differs from the usual one.
pub(in crate::verify) struct Injected {
    pub(in crate::verify) differences: Vec<String>,
    files: usize,
}

/// Builds on a mounted copy of the source, injects the output, and compares; once for all checks.
pub(in crate::verify) async fn injected(bench: &Bench) -> Checked<&Injected> {
    let injected = bench.injected.get_or_try_init(|| async {
        let service = bench.role("service")?;
        let build = bench.role("build")?;
        if bench.subject.project.roles.service.code == Code::Mounted {
            let why = "the service's code is mounted, so nothing is injected into its image";
            return Err(skipped(why).into());
        }
        let image = bench.image("service")?;
        bench.image("build")?;
        let Some(injection) = Injection::of(&bench.subject) else {
            if made_from_build(bench).is_some() {
                let why = "the service is made from the build itself, which service.no-build-deps tells";
                return Err(skipped(why).into());
            }
            let stage = build.own.as_ref().unwrap_or(&build.target).stage_name();
            return Err(fail(format!("the service stage copies nothing from the stage {stage}"))
                .expected(format!("the service takes the built code by COPY --from={stage}"))
                .at(service.target.file.clone(), service.target.line())
                .into());
        };
        let places = injection.destinations(&image.config.working_dir);
        let (injected, base) = inject::on_a_copy(bench, &injection).await?;
        let (expected, found) = (bench.tree(&image.id).await?, bench.tree(&injected.id).await?);
        let mut differences = differences(&expected, &found);
        if !differences.is_empty() {
            // An engine that has built the same instruction twice may have used the other result for the base: what
            // stands there beside the output is not the mount's doing.
            let base = bench.tree(&base.id).await?;
            let is_base = |path: &str| {
                let beside = !places.iter().any(|place| found.under(place).any(|(inside, _)| inside == path));
                let entry = found.files.get(path);
                beside && expected.files.contains_key(path) && entry.is_some() && entry == base.files.get(path)
            };
            differences.retain(|difference| !is_base(difference.split(' ').next().unwrap_or_default()));
        }
        if injected.config != image.config {
            differences.push("the image's configuration differs".to_owned());
        }
        Checked::Ok(Injected { differences, files: expected.files.len() })
    });
    injected.await
}

/// `build.inject-equal`.
pub(super) async fn inject_equal(bench: &Bench) -> Checked {
    let Injected { differences, files } = injected(bench).await?;
    if differences.is_empty() {
        return Ok(pass(format!("{files} files are the same, whichever way the code came")));
    }
    if let Some(contract) = artefact::unequal_to_itself(bench).await? {
        let why = format!("{contract} does not hold: what the build makes differs from one build to the next");
        return Ok(skipped(why));
    }
    let build = bench.role("build")?;
    let build = build.own.as_ref().unwrap_or(&build.target);
    Ok(fail(format!("differs from the service image: {}", listed(differences, 8)))
        .expected("the same service file system from the copied and from the mounted source")
        .at(build.file.clone(), build.line()))
}

/// What differs between two file systems, times aside; what only one of them has comes first, as the rest often
/// follows from it.
pub(in crate::verify) fn differences(left: &FileTree, right: &FileTree) -> Vec<String> {
    let only = |one: &FileTree, other: &FileTree, what: &str| -> Vec<String> {
        one.files.keys().filter(|path| !other.files.contains_key(*path)).map(|path| format!("{path} {what}")).collect()
    };
    let mut found = only(left, right, "is missing");
    found.extend(only(right, left, "is new"));
    let both = left.files.iter().filter_map(|(path, entry)| Some((path, entry, right.files.get(path)?)));
    found.extend(both.filter_map(|(path, entry, other)| Some(format!("{path} {}", difference(entry, other)?))));
    found
}

fn difference(left: &Entry, right: &Entry) -> Option<String> {
    if left.kind != right.kind {
        return Some("is of another kind".into());
    }
    if left.mode != right.mode {
        return Some(format!("has mode {:o} instead of {:o}", right.mode, left.mode));
    }
    if (left.uid, left.gid) != (right.uid, right.gid) {
        return Some(format!("belongs to {}:{} instead of {}:{}", right.uid, right.gid, left.uid, left.gid));
    }
    if left.link != right.link || left.sha256 != right.sha256 {
        return Some("has other content".into());
    }
    None
}
