//! A build with the words in place, and where they are found in what it makes.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::seeds;
use super::words::{Stands, Taint, Taints, is_variable};
use crate::compose;
use crate::dockerfile::InstructionKind;
use crate::engine::{BuildContext, ImageInfo, ImagePart};
use crate::error::Result;
use crate::lab::images::build_in;
use crate::lab::tracer::{beginning, forms};
use crate::lab::{Attempt, Lab, blame};
use crate::subject::{RoleSubject, Target};
use crate::text::Place;

/// A word that came to light.
#[derive(Debug, Clone)]
pub(crate) struct WordLeak {
    pub(crate) taint: Taint,
    pub(crate) place: ImagePart,
    /// What brings it there.
    pub(crate) by: Place,
}

/// What a tainted build showed.
#[derive(Debug)]
pub(crate) struct Leaks {
    pub(crate) taints: Vec<Taint>,
    pub(crate) found: Vec<WordLeak>,
    /// Why secrets that the build itself consumes could not be followed.
    pub(crate) unseen_secrets: Option<String>,
    /// Why nothing could.
    pub(crate) unseen: Option<String>,
}

/// What of a deployment gets into the service image; built once.
pub(crate) async fn service_leaks(lab: &Lab) -> Attempt<Arc<Leaks>> {
    lab.fact(async { leaks(lab, lab.role("service")?, lab.image("service")?).await }).await
}

/// What of a deployment gets into the image of a role; `image` is the role's usual one.
pub(crate) async fn leaks(lab: &Lab, role: &RoleSubject, image: &ImageInfo) -> Attempt<Leaks> {
    let whole = leaks_with(lab, role, image, true).await?;
    if whole.unseen.is_none() {
        return Ok(whole);
    }
    // A build that needs its secrets to be the real ones: the rest can be followed without them.
    let rest = leaks_with(lab, role, image, false).await?;
    Ok(Leaks { unseen_secrets: whole.unseen, ..rest })
}

async fn leaks_with(lab: &Lab, role: &RoleSubject, image: &ImageInfo, with_secrets: bool) -> Attempt<Leaks> {
    let mut taints = Taints::declared(lab);
    let (context, target, text) = tainted(lab, role, &mut taints, with_secrets)?;
    let name = format!("tainted-{}", role.name);
    let built = match build_in(&lab.run, &context, &target, text, target.args.clone(), &name).await? {
        Ok(built) => built,
        Err(why) => {
            let unseen = Some(format!("with random words for deployments' values and secrets {why}"));
            return Ok(Leaks { taints: taints.all, found: Vec::new(), unseen_secrets: None, unseen });
        }
    };
    let mut found = Vec::new();
    // The very image that was built without the words holds none of them.
    if built.id != image.id {
        // Few needles are looked for much faster than many: first, whether there is any word at all.
        let any = lab.engine().search_image(&built.id, &forms(&beginning(&taints.run))).await?;
        let needles = if any.is_empty() { Vec::new() } else { taints.needles() };
        let bytes: Vec<Vec<u8>> = needles.iter().map(|(_, needle)| needle.clone()).collect();
        let hits = if any.is_empty() { Vec::new() } else { lab.engine().search_image(&built.id, &bytes).await? };
        for hit in hits {
            let taint = taints.all[needles[hit.needle].0].clone();
            let by = bringing(&role.target, &taint, &hit.place, &taints.files);
            found.push(WordLeak { taint, place: hit.place, by });
        }
    }
    let given = lab.engine().info().buildkit || !taints.all.iter().any(|one| one.stands == Stands::BuildSecret);
    let unseen_secrets = (!given).then(|| "this engine's builder takes no secrets".to_owned());
    Ok(Leaks { taints: taints.all, found, unseen_secrets, unseen: None })
}

/// The role's build with the words in place: in the environment that compose.yaml interpolates, in build arguments,
/// build secrets, and the files of the context.
fn tainted(
    lab: &Lab,
    role: &RoleSubject,
    taints: &mut Taints,
    with_secrets: bool,
) -> Result<(BuildContext, Target, String)> {
    let mut target = role.target.clone();
    let env = interpolated(lab, taints, with_secrets);
    if let Ok(compose) = compose::read(&lab.subject.folder, &env)
        && let Some(build) = compose.services.get(&role.service).and_then(|service| service.build.as_ref())
    {
        target.args = build.args.iter().filter_map(|(name, value)| Some((name.clone(), value.clone()?))).collect();
    }
    let closure = target.dockerfile.closure(target.stage);
    let instructions: Vec<_> =
        closure.iter().flat_map(|stage| role.target.dockerfile.stages[*stage].instructions.iter()).collect();
    let mut uncached = Vec::new();
    for instruction in instructions {
        match &instruction.kind {
            InstructionKind::Arg(args) => {
                for (name, _) in args {
                    let declared = taints.all.iter().find(|taint| taint.name == *name && is_variable(taint)).cloned();
                    let word = match declared {
                        Some(taint) if taint.is_secret() && !with_secrets => None,
                        Some(taint) => Some(taint.word),
                        None if with_secrets => taints.variable(name),
                        None => None,
                    };
                    if let Some(word) = word {
                        target.args.insert(name.clone(), word);
                    }
                }
            }
            InstructionKind::Run(run) if with_secrets => {
                for id in run.mounts.iter().filter_map(blame::secret_id) {
                    let word = taints.word(&id, Stands::BuildSecret);
                    target.secrets.insert(id, word.into_bytes());
                    uncached.push(instruction.line);
                }
            }
            _ => {}
        }
    }
    let text = uncached_runs(&target.dockerfile.text, &uncached, &taints.run);
    let context = seeds::context(lab, &target, taints)?;
    Ok((context, target, text))
}

/// What compose.yaml is given for the variables that it takes from its host.
fn interpolated(lab: &Lab, taints: &mut Taints, with_secrets: bool) -> BTreeMap<String, String> {
    for one in &lab.subject.compose.interpolated {
        if with_secrets {
            taints.variable(&one.name);
        }
    }
    let all = taints.all.iter().filter(|taint| is_variable(taint) && (with_secrets || !taint.is_secret()));
    all.map(|taint| (taint.name.clone(), taint.word.clone())).collect()
}

/// The text with each of these RUNs done anew: a build secret's content is not part of what the builder's cache
/// looks at, the secrets' ids are. One that nobody provides is left out of the RUN.
fn uncached_runs(text: &str, lines: &[usize], nonce: &str) -> String {
    let edited = text.split_inclusive('\n').enumerate().map(|(index, line)| {
        let start = line.len() - line.trim_start().len();
        match line.get(start..start + 3) {
            Some(word) if lines.contains(&(index + 1)) && word.eq_ignore_ascii_case("run") => {
                let (before, after) = line.split_at(start + 3);
                format!("{before} --mount=type=secret,id={nonce},target=/run/{nonce}{after}")
            }
            _ => line.to_owned(),
        }
    });
    edited.collect()
}

/// What brings a word to a place of the role's image.
fn bringing(target: &Target, taint: &Taint, place: &ImagePart, files: &[String]) -> Place {
    if taint.stands == Stands::BuildSecret {
        return blame::taking_secret(target, &taint.name);
    }
    match place {
        ImagePart::Layer { path, .. } => blame::copy_of(target, path, &taint.name, files),
        ImagePart::Config { .. } => blame::variable(target, &taint.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_runs_with_a_secret_are_done_anew() {
        let text = "FROM x\n  run --mount=type=secret,id=a cat\nRUN true\n";
        let edited = uncached_runs(text, &[2], "n");
        assert_eq!(
            edited,
            "FROM x\n  run --mount=type=secret,id=n,target=/run/n --mount=type=secret,id=a cat\nRUN true\n"
        );
    }
}
