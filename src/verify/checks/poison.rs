//! `build.from-source`: build outputs that lie about on the host do not get into what the build makes.

use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use sha2::{Digest as _, Sha256};

use crate::engine::{BuildOutcome, BuildRequest, Context, EntryKind, Ignore};
use crate::lab::rebuild::Made;
use crate::lab::{Lab, blame, changes, images, rebuild};
use crate::stacks::Stack;
use crate::verify::stop::Checked;
use crate::verify::verdict::{fail, pass};

/// What stands in a poisoned output. Most languages can read it, so that only its use shows.
const POISON: &str = "dockwright - poisoned - output\n";

/// No more files than these are poisoned in a folder.
const MOST: usize = 500;

/// `build.from-source`.
pub(super) async fn from_source(lab: &Lab) -> Checked {
    let made = rebuild::made(lab).await?;
    let target = &made.target;
    let context = Context::open_for(&target.context, &target.dockerfile.file)?;
    let seeds = seeds(&lab.subject.project.stack, &made, &context)?;
    // Newer than every source, as what was built of them is.
    let time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    let time = u32::try_from(time).unwrap_or(u32::MAX);
    let poisoned = seeds
        .iter()
        .fold(context.clone(), |context, path| context.with_file_of(path, POISON.as_bytes().to_vec(), 0o755, time));
    let digest = Sha256::digest(POISON);
    let reaching: Vec<String> = {
        let sent = poisoned.files()?;
        sent.iter().filter(|file| seeds.contains(&file.path)).map(|file| file.path.clone()).collect()
    };
    let some = |paths: &mut dyn Iterator<Item = &String>| paths.take(3).cloned().collect::<Vec<_>>().join(", ");
    if reaching.is_empty() {
        return Ok(pass(format!(
            "none of {} outputs that builds leave on a host ({}, …) reaches the build",
            seeds.len(),
            some(&mut seeds.iter())
        )));
    }
    let text = &target.dockerfile.text;
    let request = BuildRequest {
        args: target.args.clone(),
        ..BuildRequest::new("poisoned", &poisoned, text).target(target.stage_name())
    };
    let expected = "what is built of the sources alone, whatever lies in the folders of outputs";
    let image = match images::build(&lab.run, request, |_| {}).await? {
        BuildOutcome::Built { image_id } => image_id,
        BuildOutcome::Failed(failure) => {
            let what = format!("with old outputs on the host ({}) it does not build", some(&mut reaching.iter()));
            let place = blame::step(&target.dockerfile, &failure)
                .map_or_else(|| blame::taking(target, &reaching), |line| target.place(line));
            return Ok(fail(format!("{what}: {}", failure.message))
                .expected(expected)
                .at_place(&place)
                .log(failure.log_tail));
        }
    };
    let found = rebuild::walk(lab, &image, &made.places).await?;
    let poison = found.files.iter().find(|(path, entry)| {
        entry.sha256.is_some_and(|hash| hash[..] == digest[..]) && made.tree.files.get(*path) != Some(*entry)
    });
    let (what, itself) = match poison {
        Some((path, _)) => (format!("an old output of the host is {path} of what the build makes"), true),
        None => {
            let changes = changes(&made.tree, &found);
            let Some(first) = changes.first() else {
                return Ok(pass(format!(
                    "with {} old outputs in the build ({}, …) the {} files that it makes are the same",
                    reaching.len(),
                    some(&mut reaching.iter()),
                    made.tree.files.len()
                )));
            };
            let what = format!(
                "with old outputs on the host ({}) what the build makes differs: {first}",
                some(&mut reaching.iter())
            );
            // A build that makes the same without them differs by them.
            (what, rebuild::later(lab).await?.0.is_same())
        }
    };
    let hint = format!("build without them, or name them in .dockerignore: {}", some(&mut reaching.iter()));
    let verdict = fail(what).expected(expected).at_place(&blame::taking(target, &reaching)).hint(hint);
    Ok(if itself { verdict.by_itself() } else { verdict })
}

/// Where on the host an output would be: in the folders in which the stack's tools leave theirs, and where the build itself
/// leaves what the service takes, if that is where the source is. What is there and is no output is a source, and stays.
fn seeds(stack: &Stack, made: &Made, context: &Context) -> Checked<BTreeSet<String>> {
    let ignored = Ignore::parse(&stack.ignore.join("\n")).unwrap_or_default();
    let workdir = made.image.config.working_dir.trim_end_matches('/');
    let mut seeds = BTreeSet::new();
    for place in &made.places {
        let files = made.tree.under(place).filter(|(_, entry)| entry.kind == EntryKind::File);
        for (path, _) in files.take(MOST) {
            let below = path.strip_prefix(place.trim_end_matches('/')).unwrap_or(path).trim_start_matches('/');
            // A single file that the service takes has its own name.
            let below = if below.is_empty() { path.rsplit('/').next().unwrap_or(path) } else { below };
            for folder in &stack.outputs {
                // Tools put into the folder what the artefact has in a folder of that name.
                let inner = below.strip_prefix(folder.as_str()).map_or(below, |rest| rest.trim_start_matches('/'));
                seeds.insert(format!("{folder}/{inner}"));
                seeds.insert(beside(&format!("{folder}/{inner}")));
            }
            if let Some(inside) = path.strip_prefix(workdir).filter(|_| !workdir.is_empty()) {
                seeds.insert(inside.trim_start_matches('/').to_owned());
            }
        }
    }
    let files = context.files()?;
    let is_source = |seed: &String| {
        let above = |path: &str| seed.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
        files.iter().any(|file| match file.kind {
            EntryKind::Directory => file.path == *seed,
            _ => (file.path == *seed && !ignored.is_ignored(seed)) || above(&file.path),
        })
    };
    seeds.retain(|seed| !is_source(seed));
    Ok(seeds)
}

/// A file beside another, of the same kind: what was built once of a source that is gone.
fn beside(path: &str) -> String {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let extension = name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty()).map(|(_, end)| format!(".{end}"));
    format!("{folder}/dockwright_gone{}", extension.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_gone_is_beside_what_is_there() {
        assert_eq!(beside("build/lib/orders/app.py"), "build/lib/orders/dockwright_gone.py");
        assert_eq!(beside("target/release/orders"), "target/release/dockwright_gone");
    }
}
