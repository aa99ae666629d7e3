//! The files of a build context that hold deployments' values and secrets, with the words in their place. The ignore
//! rules decide whether they are sent.

use super::words::{Stands, Taint, Taints, is_secret_name, is_variable};
use crate::engine::{BuildContext, ContextFile, EntryKind};
use crate::error::Result;
use crate::lab::Lab;
use crate::project;
use crate::stacks::ecosystem;
use crate::subject::Target;
use crate::text;

/// Larger files are no configuration.
const SMALL: u64 = 64 * 1024;

/// A private key, as tools know it.
const KEY: (&str, &str) = ("-----BEGIN OPENSSH PRIVATE KEY-----\n", "\n-----END OPENSSH PRIVATE KEY-----\n");

/// Folders that hold secrets and nothing else. One of that name among the code may be anything.
const SECRETS: &[&str] = &["secrets/", ".secrets/", "deploy/secrets/", "config/secrets/"];

/// Endings of files that are configuration, in which `NAME: value` is an assignment.
const CONFIGURATION: &[&str] = &["yaml", "yml", "ini", "conf", "cfg", "properties", "toml"];

/// The context of a target with the words in it; the files that hold one are noted.
pub(crate) fn context(lab: &Lab, target: &Target, taints: &mut Taints) -> Result<BuildContext> {
    let usual = BuildContext::open_for(&target.context, &target.dockerfile.file)?;
    let mut context = usual.clone();
    let mut put = |taints: &mut Taints, path: &str, content: String, mode: u32| {
        taints.files.push(path.to_owned());
        context = context.with_file(path, content.into_bytes(), mode);
    };
    let on_disk = |path: &str| text::read_text(&target.context.join(path), text::SMALL).ok();
    let deployments: Vec<String> =
        lab.subject.project.deployments.iter().map(|deployment| deployment.name.to_string()).collect();
    for path in [".env".to_owned()].into_iter().chain(deployments.iter().map(|name| format!(".env.{name}"))) {
        let content = environment(on_disk(&path).as_deref(), taints, &path);
        put(taints, &path, content, 0o644);
    }
    for (path, content) in secret_files(lab, target) {
        let word = taints.word(&path, Stands::File);
        put(
            taints,
            &path,
            content.map_or_else(|| word.clone(), |(before, after)| format!("{before}{word}{after}")),
            0o600,
        );
    }
    if let Ok(text) = text::read_text(&lab.subject.folder.join(project::FILE), text::SMALL) {
        let declared = taints.all.iter().filter_map(|taint| Some((taint.value()?.to_owned(), taint.word.clone())));
        let text =
            declared.fold(text, |text, (value, word)| text.replace(&format!("\"{value}\""), &format!("\"{word}\"")));
        put(taints, project::FILE, text, 0o644);
    }
    for file in usual.files()?.iter().filter(|file| file.kind == EntryKind::File && file.size < SMALL) {
        if taints.files.contains(&file.path) {
            continue;
        }
        let Ok(content) = file.read() else { continue };
        let Ok(text) = String::from_utf8(content) else { continue };
        if let Some(text) = of_the_users_own(file, &text, taints) {
            put(taints, &file.path, text, file.mode);
        }
    }
    Ok(context)
}

/// Files that are secrets as a whole: those that compose.yaml names, those of the declared secrets, and the usual ones
/// that the user does not have.
fn secret_files(lab: &Lab, target: &Target) -> Vec<(String, Option<(&'static str, &'static str)>)> {
    let mut files = Vec::new();
    for definition in lab.subject.compose.secrets.values() {
        let inside = definition.file_path.as_ref().and_then(|path| path.strip_prefix(&target.context).ok());
        files.extend(inside.map(|path| (path.to_string_lossy().into_owned(), None)));
    }
    for deployment in &lab.subject.project.deployments {
        for secret in &deployment.secrets {
            files.push((format!("secrets/{}/{}", deployment.name, secret.as_str().to_lowercase()), None));
        }
    }
    let missing = ecosystem().secrets.iter().filter(|(path, _)| !target.context.join(path).exists());
    files.extend(missing.map(|(path, (before, after))| (path.clone(), Some((before.as_str(), after.as_str())))));
    files.sort();
    files.dedup_by(|one, other| one.0 == other.0);
    files
}

/// The text of a file of the user's own with words in it; none if it holds nothing that one could stand for.
fn of_the_users_own(file: &ContextFile, text: &str, taints: &mut Taints) -> Option<String> {
    let name = file.path.rsplit('/').next().unwrap_or(&file.path);
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    if name == ".env" || name.starts_with(".env.") || ending == "env" {
        // A template for it holds neither values nor secrets.
        let template = ["example", "sample", "template", "dist"].iter().any(|word| name.contains(word));
        return (!template).then(|| environment(Some(text), taints, &file.path));
    }
    if text.starts_with("-----BEGIN ") && text.contains("PRIVATE KEY-----") {
        let word = taints.word(&file.path, Stands::File);
        return Some(format!("{}{word}{}", KEY.0, KEY.1));
    }
    let in_secrets = SECRETS.iter().any(|folder| file.path.starts_with(folder));
    if in_secrets && (ending.is_empty() || ["txt", "json", "token", "password"].contains(&ending)) {
        return Some(taints.word(&file.path, Stands::File));
    }
    if let Some(keys) = ecosystem().tokens.get(name) {
        return tokens(text, keys, taints, &file.path);
    }
    let is_configuration = CONFIGURATION.contains(&ending);
    assigned(text, |name, value| {
        let declared = taints.all.iter().find(|taint| taint.name == name && is_variable(taint))?;
        let same = declared.value() == Some(value);
        let secret = declared.is_secret() && is_configuration && !value.is_empty() && !value.contains('$');
        (same || secret).then(|| declared.word.clone())
    })
}

/// An environment file: as the user has it, with words for what it assigns; else with the declared values, else with
/// secrets. Either way only one kind of word is in it, for it is one mistake to let it in.
fn environment(on_disk: Option<&str>, taints: &mut Taints, path: &str) -> String {
    let text = on_disk.unwrap_or_default();
    let values: Vec<Taint> =
        taints.all.iter().filter(|taint| matches!(taint.stands, Stands::Value(_))).cloned().collect();
    let with_values = assigned(text, |name, _| Some(values.iter().find(|taint| taint.name == name)?.word.clone()));
    if let Some(text) = with_values {
        return text;
    }
    let with_secrets = assigned(text, |name, value| {
        let declared = taints.all.iter().any(|taint| taint.name == name && taint.stands == Stands::Secret);
        let secret = declared || is_secret_name(name);
        (secret && !value.is_empty()).then(|| taints.word(name, Stands::Secret))
    });
    if let Some(text) = with_secrets {
        return text;
    }
    let lines = |taints: &[Taint]| -> String {
        let lines: Vec<String> = taints.iter().map(|taint| format!("{}={}\n", taint.name, taint.word)).collect();
        lines.concat()
    };
    let secrets: Vec<Taint> = taints.all.iter().filter(|taint| taint.stands == Stands::Secret).cloned().collect();
    let more = match (values.as_slice(), secrets.as_slice()) {
        ([], []) => format!("API_TOKEN={}\n", taints.word(path, Stands::File)),
        ([], secrets) => lines(secrets),
        (values, _) => lines(values),
    };
    let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    format!("{text}{end}{more}")
}

/// A package manager's own tokens, by how their keys end; those that stand for a variable aside.
fn tokens(text: &str, keys: &[String], taints: &mut Taints, path: &str) -> Option<String> {
    let mut changed = false;
    let lines: Vec<String> = text
        .split_inclusive('\n')
        .map(|line| match line.split_once('=') {
            Some((key, value))
                if keys.iter().any(|end| key.trim_end().ends_with(end.as_str())) && !value.contains("${") =>
            {
                changed = true;
                format!("{key}={}\n", taints.word(path, Stands::File))
            }
            _ => line.to_owned(),
        })
        .collect();
    changed.then(|| lines.concat())
}

/// A text in which lines that assign to a name (`NAME=value`, `NAME: value`) assign what `word` has for it; none if
/// there is no such line.
fn assigned(text: &str, mut word: impl FnMut(&str, &str) -> Option<String>) -> Option<String> {
    let mut changed = false;
    let lines: Vec<String> = text
        .split_inclusive('\n')
        .map(|line| {
            let start = line.trim_start().trim_start_matches("export ").trim_start_matches("- ");
            let Some(end) = start.find(|c: char| !c.is_ascii_alphanumeric() && c != '_') else {
                return line.to_owned();
            };
            let (name, rest) = start.split_at(end);
            let Some(rest) = rest.trim_start().strip_prefix(['=', ':']) else { return line.to_owned() };
            let value = rest.trim().trim_matches(['"', '\'']);
            let Some(word) = Some(name).filter(|name| !name.is_empty()).and_then(|name| word(name, value)) else {
                return line.to_owned();
            };
            changed = true;
            let head = &line[..line.len() - rest.len()];
            let rest = if value.is_empty() { format!("{word}\n") } else { rest.replace(value, &word) };
            format!("{head}{rest}")
        })
        .collect();
    changed.then(|| lines.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taints() -> Taints {
        let all = vec![
            Taint::test("API", Stands::Value(Some("https://x".into())), "W"),
            Taint::test("DATABASE_PASSWORD", Stands::Secret, "S"),
        ];
        Taints { run: "r".into(), all, ..Taints::default() }
    }

    fn file(path: &str) -> ContextFile {
        let context = BuildContext::empty().with_file(path, "x", 0o644);
        context.files().unwrap().iter().find(|file| file.path == path).unwrap().clone()
    }

    #[test]
    fn assignments_of_declared_values_are_tainted_and_others_left() {
        let own = |path: &str, text: &str| of_the_users_own(&file(path), text, &mut taints());
        assert_eq!(own("a.py", "A=1\nexport API=\"https://x\"\n").unwrap(), "A=1\nexport API=\"W\"\n");
        assert_eq!(own("a.yaml", "API: https://x").unwrap(), "API: W");
        assert_eq!(own("a.py", "API=other\nXAPI=https://x\n"), None);
        assert_eq!(own("a.yaml", "DATABASE_PASSWORD: hunter2\n").unwrap(), "DATABASE_PASSWORD: S\n");
        assert_eq!(own("a.yaml", "DATABASE_PASSWORD: ${DATABASE_PASSWORD}\n"), None);
        assert_eq!(own("a.py", "DATABASE_PASSWORD = os.environ['DATABASE_PASSWORD']\n"), None);
        assert_eq!(own(".env.example", "DATABASE_PASSWORD=x\n"), None);
        assert!(own(".npmrc", "registry=https://r.example\n").is_none());
        assert!(own(".npmrc", "//r.example/:_authToken=${NPM_TOKEN}\n").is_none());
        assert!(own(".npmrc", "//r.example/:_authToken=abc\n").unwrap().contains("=taint"));
        assert!(own("deploy/id", "-----BEGIN PRIVATE KEY-----\nx\n").unwrap().contains("taint"));
        assert!(own("secrets/db", "x").unwrap().starts_with("taint"));
        assert_eq!(own("secrets/__init__.py", "x"), None);
        assert_eq!(own("orders/secrets/names.json", "[]"), None);
        assert_eq!(own("orders/keys.py", "HEAD = '-----BEGIN PRIVATE KEY-----'\n"), None);
    }

    #[test]
    fn an_environment_file_holds_one_kind_of_words() {
        let of = |text: Option<&str>| environment(text, &mut taints(), ".env");
        assert_eq!(of(None), "API=W\n");
        assert_eq!(of(Some("API=old\nDATABASE_PASSWORD=x\n")), "API=W\nDATABASE_PASSWORD=x\n");
        assert_eq!(of(Some("DATABASE_PASSWORD=x\nTZ=UTC\n")), "DATABASE_PASSWORD=S\nTZ=UTC\n");
        assert_eq!(of(Some("TZ=UTC")), "TZ=UTC\nAPI=W\n");
        let mut none = Taints { run: "r".into(), ..Taints::default() };
        assert!(environment(None, &mut none, ".env").starts_with("API_TOKEN=taint"));
    }
}
