//! `build.from-source`: build outputs that lie about on the host do not get into what the build makes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use sha2::{Digest as _, Sha256};

use crate::engine::{BuildContext, BuildOutcome, EntryKind, Ignore};
use crate::error::Result;
use crate::lab::change::What;
use crate::lab::leavings::{below_any, concrete, ends, is_foreign, is_program};
use crate::lab::rebuild::Made;
use crate::lab::{Lab, blame, changes, images, rebuild};
use crate::stacks::{Stack, ecosystem};
use crate::text::listed;
use crate::verify::stop::Checked;
use crate::verify::verdict::{Verdict, fail, pass};

/// What stands in a poisoned output. Most languages can read it, so that only its use shows.
const POISON: &str = "dockwright - poisoned - output\n";
/// The same in other outputs.
const OTHER: &str = "dockwright - poisoned - otherwise\n";

/// The modes of outputs.
const PROGRAM: u32 = 0o755;
const DATA: u32 = 0o644;

/// Files of more bytes are left out of what an earlier build left.
const LARGEST: u64 = 16 << 20;

const EXPECTED: &str = "what is built from only the sources, whatever is in the folders of outputs";

/// No more files than these are poisoned in a folder.
const MOST: usize = 500;

/// `build.from-source`.
pub(super) async fn from_source(lab: &Lab) -> Checked {
    let stack = lab.stack("what its builds leave on the host")?;
    let made = rebuild::made(lab).await?;
    let target = &made.target;
    let context = BuildContext::open_for(&target.context, &target.dockerfile.file)?;
    let left = left(lab, &made, &context).await?;
    let seeds = seeds(stack, &made, &left, &context)?;
    // Newer than every source, as what was built of them is.
    let time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    let time = u32::try_from(time).unwrap_or(u32::MAX);
    let with = |poison: &'static str| {
        let files = seeds.iter();
        files.fold(context.clone(), |context, (path, mode)| context.with_file_of(path, poison.as_bytes(), *mode, time))
    };
    let poisoned = with(POISON);
    let reaching: Vec<String> = {
        let sent = poisoned.files()?;
        sent.iter().filter(|file| seeds.contains_key(&file.path)).map(|file| file.path.clone()).collect()
    };
    let some = |paths: &mut dyn Iterator<Item = &String>| paths.take(3).cloned().collect::<Vec<_>>().join(", ");
    if reaching.is_empty() {
        return Ok(pass(format!(
            "none of {} outputs that builds leave on a host ({}, …) reaches the build",
            seeds.len(),
            some(&mut seeds.keys())
        )));
    }
    let image = match build(lab, &made, &poisoned).await? {
        BuildOutcome::Built { image_id } => image_id,
        BuildOutcome::Failed(failure) => {
            let what = format!("with old outputs on the host ({}) it does not build", some(&mut reaching.iter()));
            let place = blame::step(&target.dockerfile, &failure)
                .map_or_else(|| blame::taking(target, &reaching), |line| target.place(line));
            return Ok(fail(format!("{what}: {}", failure.message))
                .expected(EXPECTED)
                .at_place(&place)
                .log(failure.log_tail));
        }
    };
    let found = rebuild::walk(lab, &image, &made.places).await?;
    let hint =
        format!("build without them, or name them in {}: {}", blame::ignore_file(target), some(&mut reaching.iter()));
    let digest = Sha256::digest(POISON);
    let poison = found.files.iter().find(|(path, entry)| {
        entry.sha256.is_some_and(|hash| hash[..] == digest[..]) && made.tree.files.get(*path) != Some(*entry)
    });
    if let Some((path, _)) = poison {
        let what = format!("an old output of the host is {path} of what the build makes");
        let brought = reaching.iter().filter(|seed| Path::new(path).ends_with(seed)).max_by_key(|seed| seed.len());
        let place = blame::taking(target, brought.map_or(&reaching, std::slice::from_ref));
        return Ok(fail(what).expected(EXPECTED).at_place(&place).hint(hint).by_itself());
    }
    let changes = changes(&made.tree, &found);
    let same = pass(format!(
        "with {} old outputs in the build ({}, …) the {} files that it makes are the same",
        reaching.len(),
        some(&mut reaching.iter()),
        made.tree.files.len()
    ));
    let Some(first) = changes.first() else { return Ok(made_once(lab, &made, &context, left).await?.unwrap_or(same)) };
    // Where the same is made of other old outputs, too, none of them is in it: a build that lists its folders finds what it
    // has made anew in another order than before.
    if changes.iter().all(|change| change.what == What::Content)
        && let BuildOutcome::Built { image_id } = build(lab, &made, &with(OTHER)).await?
        && rebuild::walk(lab, &image_id, &made.places)
            .await?
            .files
            .iter()
            .all(|(path, entry)| found.files.get(path).is_some_and(|other| other.sha256 == entry.sha256))
    {
        return Ok(made_once(lab, &made, &context, left).await?.unwrap_or(same));
    }
    let what =
        format!("with old outputs on the host ({}) what the build makes differs: {first}", some(&mut reaching.iter()));
    let verdict = fail(what).expected(EXPECTED).at_place(&blame::taking(target, &reaching)).hint(hint);
    // A build that makes the same without them differs by them.
    Ok(if rebuild::later(lab).await?.0.is_same() { verdict.by_itself() } else { verdict })
}

/// The same on a host on which these sources have been built before: a tool that remembers what it has made may not make it
/// again.
async fn made_once(
    lab: &Lab,
    made: &Made,
    context: &BuildContext,
    left: BTreeMap<String, u32>,
) -> Checked<Option<Verdict>> {
    let workdir = made.image.config.working_dir.trim_end_matches('/');
    let container = lab.run.create_idle(&made.image.id).await?;
    let mut before = context.clone();
    for (path, mode) in &left {
        if let Some(content) = container.read_file(&format!("{workdir}/{path}"), LARGEST).await? {
            before = before.with_file(path, content, *mode);
        }
    }
    container.remove().await?;
    let sent = before.files()?;
    let reaching: Vec<String> =
        sent.iter().filter(|file| left.contains_key(&file.path)).map(|file| file.path.clone()).collect();
    if reaching.is_empty() {
        return Ok(None);
    }
    let BuildOutcome::Built { image_id } = build(lab, made, &before).await? else { return Ok(None) };
    let changes = changes(&made.tree, &rebuild::walk(lab, &image_id, &made.places).await?);
    // The order in which a build lists its folders is not what an earlier one left.
    let Some(first) = changes.iter().find(|change| change.what != What::Content) else { return Ok(None) };
    let what = format!(
        "with what an earlier build left on the host ({}) the build makes something else: {first}",
        listed(&reaching, 3)
    );
    Ok(Some(
        fail(what)
            .expected(EXPECTED)
            .at_place(&blame::taking(&made.target, &reaching))
            .hint(format!("name in {}: {}", blame::ignore_file(&made.target), listed(&reaching, 3)))
            .by_itself(),
    ))
}

/// The build out of another context.
async fn build(lab: &Lab, made: &Made, context: &BuildContext) -> Result<BuildOutcome> {
    let target = &made.target;
    let request = images::request(&lab.run, target, "poisoned", context, &target.dockerfile.text).await?;
    images::build(&lab.run, request, |_| {}).await
}

/// What the build leaves among the sources, each file with its mode.
async fn left(lab: &Lab, made: &Made, context: &BuildContext) -> Checked<BTreeMap<String, u32>> {
    // The rest of the build's image, a toolchain say, holds no source.
    let workdir = made.image.config.working_dir.trim_end_matches('/');
    if workdir.is_empty() {
        return Ok(BTreeMap::new());
    }
    let built = rebuild::walk(lab, &made.image.id, &[workdir.to_owned()]).await?;
    let files = context.files()?;
    let sent: BTreeSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
    let made_here = built.under(workdir).filter_map(|(path, entry)| {
        let inside = path.strip_prefix(workdir)?.trim_start_matches('/');
        let own = entry.kind == EntryKind::File && !is_foreign(inside) && !sent.contains(inside);
        own.then(|| (inside.to_owned(), entry.mode & 0o777))
    });
    Ok(made_here.take(MOST).collect())
}

/// Where on the host an output would be: in the folders in which the stack's tools leave theirs, beside sources as these tools
/// do, and where the build itself leaves files among the sources; each with its mode. What is there and is no output is a
/// source, and stays.
fn seeds(
    stack: &Stack,
    made: &Made,
    left: &BTreeMap<String, u32>,
    context: &BuildContext,
) -> Checked<BTreeMap<String, u32>> {
    let files = context.files()?;
    let ignored = Ignore::parse(&stack.ignore.join("\n")).unwrap_or_default();
    let mut seeds = left.clone();
    for place in &made.places {
        let files = made.tree.under(place).filter(|(_, entry)| entry.kind == EntryKind::File);
        for (path, _) in files.take(MOST) {
            let below = path.strip_prefix(place.trim_end_matches('/')).unwrap_or(path).trim_start_matches('/');
            // A single file that the service takes has its own name.
            let below = if below.is_empty() { path.rsplit('/').next().unwrap_or(path) } else { below };
            for folder in &stack.outputs {
                // Tools put into the folder what the artefact has in a folder of that name.
                let inner = below.strip_prefix(folder.as_str()).map_or(below, |rest| rest.trim_start_matches('/'));
                let path = format!("{folder}/{inner}");
                seeds.insert(beside(&path), PROGRAM);
                seeds.insert(path, PROGRAM);
            }
        }
    }
    let programs = files.iter().filter(|file| is_program(&file.path) && !is_foreign(&file.path));
    let folders: BTreeSet<&str> =
        programs.map(|file| file.path.rsplit_once('/').map_or("", |(folder, _)| folder)).take(MOST).collect();
    for line in stack.ignore.iter().filter(|line| !is_foreign(line)) {
        // Beside sources lies what their own interpreter makes of them; other tools have their folders at the top.
        let Some(file) = concrete(line).filter(|file| is_made_beside(file)) else { continue };
        let places = folders.iter().filter(|folder| line.starts_with("**/") && !folder.is_empty());
        seeds.extend(places.map(|folder| (format!("{folder}/{file}"), DATA)));
        seeds.insert(file, DATA);
    }
    let is_source = |seed: &String| {
        let above = |path: &str| seed.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
        files.iter().any(|file| match file.kind {
            EntryKind::Directory => file.path == *seed,
            _ => (file.path == *seed && !ignored.is_ignored(seed)) || above(&file.path),
        })
    };
    seeds.retain(|seed, _| !is_source(seed));
    Ok(seeds)
}

/// Whether a file is one that interpreters leave beside the source that it is made of.
fn is_made_beside(file: &str) -> bool {
    below_any(file, &[&ecosystem().folders.bytecode]) || ends(file, &ecosystem().endings.built)
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
    fn what_lies_beside_sources_is_bytecode_alone() {
        let all = ecosystem();
        assert!(all.folders.bytecode.iter().all(|folder| is_made_beside(&format!("{folder}/seed"))));
        assert!(all.endings.built.iter().all(|ending| is_made_beside(&format!("seed.{ending}"))));
        assert!(![".seed_cache", "seed.info", "seed.test", "dist/seed"].into_iter().any(is_made_beside));
    }

    #[test]
    fn what_is_gone_is_beside_what_is_there() {
        assert_eq!(beside("build/lib/orders/app.py"), "build/lib/orders/dockwright_gone.py");
        assert_eq!(beside("target/release/orders"), "target/release/dockwright_gone");
    }
}
