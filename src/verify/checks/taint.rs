//! `service.no-deployment-env`: deployment values are followed by random words, not guessed by name.

use std::collections::BTreeMap;

use crate::compose;
use crate::dockerfile::Kind;
use crate::engine::{Context, Place};
use crate::error::Result;
use crate::project;
use crate::verify::bench::{Bench, Checked};
use crate::verify::images::build_in;
use crate::verify::outcome::{fail, pass, skipped};
use crate::verify::subject::{RoleSubject, Target};

/// A declared variable or secret, the value that it is declared with, and the word that stands for it.
struct Taint {
    name: String,
    value: Option<String>,
    word: String,
}

/// `service.no-deployment-env`.
pub(super) async fn no_deployment_env(bench: &Bench) -> Checked {
    let role = bench.role("service")?;
    let image = bench.image("service")?;
    let taints = taints(bench);
    if taints.is_empty() {
        return Ok(skipped("no deployment declares a variable or a secret"));
    }
    let file = role.target.file.clone();
    // The declared value itself, in the service's configuration and not already in dev's.
    let dev = bench.image("dev").ok();
    for taint in &taints {
        let Some(value) = &taint.value else { continue };
        let set = |image: &crate::engine::ImageInfo| image.config.env_value(&taint.name) == Some(value);
        if set(image) && !dev.is_some_and(set) {
            let line = setting_line(role, &taint.name);
            return Ok(fail(format!("{} has the deployment's value in the service image", taint.name)).at(file, line));
        }
    }
    // The same under another name, where the value is not a word that stands there by chance.
    let literal: Vec<&Taint> = taints.iter().filter(|taint| taint.value.as_deref().is_some_and(is_telling)).collect();
    if !literal.is_empty() {
        let needles: Vec<Vec<u8>> =
            literal.iter().filter_map(|taint| taint.value.clone()).map(String::into_bytes).collect();
        let hits = bench.engine().search_image(&image.id, &needles).await?;
        if let Some(hit) = hits.iter().find(|hit| matches!(hit.place, Place::Config { .. })) {
            let taint = literal[hit.needle];
            let value = taint.value.as_deref().unwrap_or_default();
            let line = value_line(role, value).unwrap_or_else(|| setting_line(role, &taint.name));
            let what = format!("the deployment's value of {} is in {} of the service image", taint.name, hit.place);
            return Ok(fail(what).at(file, line));
        }
    }
    let (context, target) = tainted(bench, role, &taints)?;
    let text = target.dockerfile.text.clone();
    let built = build_in(&bench.run, &context, &target, text, target.args.clone(), "tainted-service").await?;
    let built = match built {
        Ok(image) => image,
        Err(why) => {
            return Ok(crate::verify::outcome::inconclusive(format!(
                "with random words for the deployment's values {why}"
            )));
        }
    };
    let needles: Vec<Vec<u8>> = taints.iter().map(|taint| taint.word.clone().into_bytes()).collect();
    let hits = bench.engine().search_image(&built.id, &needles).await?;
    let Some(hit) = hits.first() else {
        let names: Vec<&str> = taints.iter().map(|taint| taint.name.as_str()).collect();
        return Ok(pass(format!("none of {} reaches a layer, the configuration or the history", names.join(", "))));
    };
    let taint = &taints[hit.needle];
    let line = match &hit.place {
        Place::Layer { path, .. } => bringing_line(role, path, &taint.name),
        Place::Config { .. } => setting_line(role, &taint.name),
    };
    Ok(fail(format!("the value of {} is in {} of the service image", taint.name, hit.place)).at(file, line))
}

/// A word for each declared variable and secret, not to be found by chance.
fn taints(bench: &Bench) -> Vec<Taint> {
    let mut taints: BTreeMap<String, Option<String>> = BTreeMap::new();
    for deployment in &bench.subject.project.deployments {
        for (name, value) in &deployment.env {
            taints.insert(name.to_string(), Some(value.to_string()).filter(|value| !value.is_empty()));
        }
        for secret in &deployment.secrets {
            taints.insert(secret.to_string(), None);
        }
    }
    // PORT is a number that the service is started with, and no secret of any deployment.
    taints.remove("PORT");
    let run = bench.run.id();
    taints.into_iter().enumerate().map(|(index, (name, value))| Taint { name, value, word: word(run, index) }).collect()
}

fn word(run: &str, index: usize) -> String {
    use sha2::Digest as _;
    let digest = sha2::Sha256::digest(format!("{run} {index}"));
    let hex = digest.iter().take(12).fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    format!("taint{hex}")
}

/// The service's build with the words in place of the values: in the environment that compose.yaml
/// interpolates, in build arguments of those names, and in the files that hold deployments' values.
fn tainted(bench: &Bench, role: &RoleSubject, taints: &[Taint]) -> Result<(Context, Target)> {
    let mut target = role.target.clone();
    let env: BTreeMap<String, String> = taints.iter().map(|taint| (taint.name.clone(), taint.word.clone())).collect();
    if let Ok(compose) = compose::read(&bench.subject.folder, &env)
        && let Some(build) = compose.services.get(&role.service).and_then(|service| service.build.as_ref())
    {
        target.args = build.args.iter().filter_map(|(name, value)| Some((name.clone(), value.clone()?))).collect();
    }
    for stage in target.dockerfile.closure(target.stage) {
        for instruction in &target.dockerfile.stages[stage].instructions {
            let Kind::Arg(args) = &instruction.kind else { continue };
            for (name, _) in args {
                if let Some(word) = env.get(name) {
                    target.args.insert(name.clone(), word.clone());
                }
            }
        }
    }
    let mut context = Context::open_for(&target.context, &target.dockerfile.file)?;
    for (path, content) in seeds(taints, bench) {
        context = context.with_file(&path, content.into_bytes(), 0o644);
    }
    for file in context.files()?.iter().filter(|file| file.size < 64 * 1024) {
        let Ok(content) = file.read() else { continue };
        let Ok(text) = String::from_utf8(content) else { continue };
        if let Some(tainted) = taint_assignments(&text, taints) {
            context = context.with_file(&file.path, tainted.into_bytes(), file.mode);
        }
    }
    Ok((context, target))
}

/// Files that hold deployments' values on many a machine; the ignore rules decide whether they are sent.
fn seeds(taints: &[Taint], bench: &Bench) -> Vec<(String, String)> {
    let lines: Vec<String> = taints.iter().map(|taint| format!("{}={}\n", taint.name, taint.word)).collect();
    let lines = lines.concat();
    let mut seeds = vec![(".env".to_owned(), lines.clone())];
    for deployment in &bench.subject.project.deployments {
        seeds.push((format!(".env.{}", deployment.name), lines.clone()));
        for secret in &deployment.secrets {
            if let Some(taint) = taints.iter().find(|taint| taint.name == secret.as_str()) {
                let file = secret.as_str().to_lowercase();
                seeds.push((format!("secrets/{}/{file}", deployment.name), taint.word.clone()));
            }
        }
    }
    if let Ok(text) = std::fs::read_to_string(bench.subject.folder.join(project::FILE)) {
        let tainted = taints.iter().filter_map(|taint| Some((taint.value.as_ref()?, &taint.word)));
        let text =
            tainted.fold(text, |text, (value, word)| text.replace(&format!("\"{value}\""), &format!("\"{word}\"")));
        seeds.push((project::FILE.to_owned(), text));
    }
    seeds
}

/// A text in which a line that assigns a declared value to its name (`NAME=value`, `NAME: value`) assigns the
/// word instead; none if there is no such line.
fn taint_assignments(text: &str, taints: &[Taint]) -> Option<String> {
    let mut changed = false;
    let lines: Vec<String> = text
        .split_inclusive('\n')
        .map(|line| {
            let start = line.trim_start().trim_start_matches("export ").trim_start_matches("- ");
            for taint in taints {
                let Some(value) = &taint.value else { continue };
                let Some(rest) = start.strip_prefix(taint.name.as_str()) else { continue };
                let rest = rest.trim_start();
                if rest.starts_with(['=', ':']) && rest[1..].trim().trim_matches(['"', '\'']) == value {
                    changed = true;
                    return line.replace(value.as_str(), &taint.word);
                }
            }
            line.to_owned()
        })
        .collect();
    changed.then(|| lines.concat())
}

/// Whether a value is one that no image holds by chance: an address, or long.
pub(super) fn is_telling(value: &str) -> bool {
    value.len() >= 24 || value.contains("://") || value.contains('@')
}

/// The line of the instruction that holds a text, on the way to the service's stage.
fn value_line(role: &RoleSubject, value: &str) -> Option<usize> {
    let dockerfile = &role.target.dockerfile;
    let lines: Vec<&str> = dockerfile.text.lines().collect();
    let stages = dockerfile.closure(role.target.stage);
    let instructions = stages.iter().rev().flat_map(|stage| &dockerfile.stages[*stage].instructions);
    instructions
        .flat_map(|one| one.line..=one.end_line)
        .find(|line| lines.get(line - 1).is_some_and(|text| text.contains(value)))
}

/// The line that sets or takes a variable on the way to the service's stage, else the stage's own.
fn setting_line(role: &RoleSubject, name: &str) -> usize {
    let dockerfile = &role.target.dockerfile;
    let stages = dockerfile.closure(role.target.stage);
    let mut instructions = stages.iter().rev().flat_map(|stage| &dockerfile.stages[*stage].instructions);
    let mentions = |kind: &Kind| match kind {
        Kind::Env(pairs) | Kind::Label(pairs) => pairs.iter().any(|(key, value)| key == name || value.contains(name)),
        Kind::Arg(args) => args.iter().any(|(key, _)| key == name),
        _ => false,
    };
    let found = instructions.find(|one| mentions(&one.kind)).map(|one| one.line);
    found.unwrap_or(role.target.line())
}

/// The line that brings a file of the context, by its name or with all the others; else that of the variable.
fn bringing_line(role: &RoleSubject, path: &str, variable: &str) -> usize {
    let dockerfile = &role.target.dockerfile;
    let stages = dockerfile.closure(role.target.stage);
    let copies: Vec<(usize, &str)> = stages
        .iter()
        .rev()
        .flat_map(|stage| &dockerfile.stages[*stage].instructions)
        .filter_map(|one| match &one.kind {
            Kind::Copy(copy) | Kind::Add(copy) if copy.from.is_none() => Some((one.line, copy)),
            _ => None,
        })
        .flat_map(|(line, copy)| copy.sources.iter().map(move |source| (line, source.trim_end_matches('/'))))
        .collect();
    let name = path.rsplit('/').next().unwrap_or(path);
    let fits = |source: &str| {
        let last = source.rsplit('/').next().unwrap_or(source);
        last == name || globset::Glob::new(last).is_ok_and(|glob| glob.compile_matcher().is_match(name))
    };
    let by_name = copies.iter().find(|(_, source)| !matches!(*source, "." | "*") && fits(source));
    let whole = copies.iter().find(|(_, source)| matches!(*source, "." | "./." | "*" | ""));
    let setting = setting_line(role, variable);
    match (by_name, whole) {
        (Some((line, _)), _) => *line,
        (None, Some((line, _))) if setting == role.target.line() => *line,
        _ => setting,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assignments_of_declared_values_are_tainted_and_others_left() {
        let taints = [Taint { name: "API".into(), value: Some("https://x".into()), word: "W".into() }];
        assert_eq!(taint_assignments("A=1\nexport API=\"https://x\"\n", &taints).unwrap(), "A=1\nexport API=\"W\"\n");
        assert_eq!(taint_assignments("API: https://x", &taints).unwrap(), "API: W");
        assert_eq!(taint_assignments("API=other\nXAPI=https://x\n", &taints), None);
    }
}
