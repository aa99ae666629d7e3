//! Deployment values and secrets are followed by random words, not guessed: a word stands for each, a stage is built with
//! the words in its context, arguments and build secrets, and its image is searched for them.

mod lines;
mod seeds;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::bench::{Bench, Checked};
use super::images::build_in;
use crate::compose;
use crate::dockerfile::{Kind, RunMount};
use crate::engine::{Context, ImageInfo, Place};
use crate::error::Result;
use crate::subject::{RoleSubject, Target};
pub(super) use lines::{setting_line, value_line};

/// What a word stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stands {
    /// A deployment's variable, and the value that it is declared with.
    Value(Option<String>),
    /// A secret variable.
    Secret,
    /// A file that is a secret, by its path in the context.
    File,
    /// A build secret, by its id.
    BuildSecret,
}

/// A value or secret, and its word.
#[derive(Debug, Clone)]
pub(super) struct Taint {
    pub(super) name: String,
    pub(super) stands: Stands,
    word: String,
}

impl Taint {
    pub(super) fn is_secret(&self) -> bool {
        !matches!(self.stands, Stands::Value(_))
    }

    /// The value that a deployment's variable is declared with.
    pub(super) fn value(&self) -> Option<&str> {
        match &self.stands {
            Stands::Value(value) => value.as_deref(),
            _ => None,
        }
    }

    /// As people call it.
    pub(super) fn shown(&self) -> String {
        match self.stands {
            Stands::Value(_) => format!("the value of {}", self.name),
            Stands::Secret => format!("the secret {}", self.name),
            Stands::File => format!("the secret file {}", self.name),
            Stands::BuildSecret => format!("the build secret {}", self.name),
        }
    }

    #[cfg(test)]
    pub(super) fn test(name: &str, stands: Stands, word: &str) -> Self {
        Self { name: name.into(), stands, word: word.into() }
    }
}

/// All words of a run, and the files of the context that hold them.
#[derive(Debug, Clone, Default)]
pub(super) struct Taints {
    run: String,
    pub(super) all: Vec<Taint>,
    /// The paths of the files in the context.
    files: Vec<String>,
}

impl Taints {
    /// Those that the description declares.
    pub(super) fn declared(bench: &Bench) -> Self {
        let mut taints = Self { run: bench.run.id().to_owned(), ..Self::default() };
        for deployment in &bench.subject.project.deployments {
            for (name, value) in &deployment.env {
                // PORT is a number that the service is started with, and no secret of any deployment.
                if name.as_str() != "PORT" {
                    let value = Some(value.to_string()).filter(|value| !value.is_empty());
                    taints.word(name.as_str(), Stands::Value(value));
                }
            }
            for secret in &deployment.secrets {
                taints.word(secret.as_str(), Stands::Secret);
            }
        }
        taints
    }

    /// The variables, as a host's environment that holds the words.
    pub(super) fn environment(&self) -> BTreeMap<String, String> {
        let variables = self.all.iter().filter(|taint| is_variable(taint));
        variables.map(|taint| (taint.name.clone(), taint.word.clone())).collect()
    }

    /// The secret whose word is in a text.
    pub(super) fn secret_in(&self, text: &str) -> Option<&str> {
        let mut secrets = self.all.iter().filter(|taint| taint.is_secret());
        secrets.find(|taint| text.contains(&taint.word)).map(|taint| taint.name.as_str())
    }

    /// The word of a name; a declared value stays one, whatever else its name looks like.
    fn word(&mut self, name: &str, stands: Stands) -> String {
        let is_variable = |stands: &Stands| matches!(stands, Stands::Value(_) | Stands::Secret);
        let known = self.all.iter().find(|taint| {
            taint.name == name && (taint.stands == stands || is_variable(&taint.stands) && is_variable(&stands))
        });
        if let Some(known) = known {
            return known.word.clone();
        }
        let word = word(&self.run, self.all.len());
        self.all.push(Taint { name: name.to_owned(), stands, word: word.clone() });
        word
    }

    /// The word of a variable that is declared, or that has a secret's name.
    fn variable(&mut self, name: &str) -> Option<String> {
        let declared = self.all.iter().find(|taint| taint.name == name && is_variable(taint));
        match declared {
            Some(declared) => Some(declared.word.clone()),
            None => is_secret_name(name).then(|| self.word(name, Stands::Secret)),
        }
    }

    /// What is searched for, and whose it is: each word as it is, in hexadecimal digits, and as base64, wherever in a
    /// text it begins.
    fn needles(&self) -> Vec<(usize, Vec<u8>)> {
        let forms = |index: usize, taint: &Taint| forms(&taint.word).into_iter().map(move |form| (index, form));
        self.all.iter().enumerate().flat_map(|(index, taint)| forms(index, taint)).collect()
    }
}

fn is_variable(taint: &Taint) -> bool {
    matches!(taint.stands, Stands::Value(_) | Stands::Secret)
}

/// Not to be found by chance, and another one in every run.
pub(super) fn word(run: &str, index: usize) -> String {
    format!("{}{}", beginning(run), digest(&format!("{run} {index}"), 6))
}

/// How all words of a run begin.
fn beginning(run: &str) -> String {
    format!("taint{}", digest(run, 8))
}

fn digest(text: &str, length: usize) -> String {
    use sha2::Digest as _;
    hex(&sha2::Sha256::digest(text)[..length])
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

fn forms(word: &str) -> Vec<Vec<u8>> {
    let digits = hex(word.as_bytes());
    let mut forms = vec![word.to_owned(), digits.to_uppercase(), digits];
    for before in 0..3 {
        let mut bytes = vec![0; before];
        bytes.extend(word.as_bytes());
        // Without the digits that depend on what stands before and behind the word.
        let whole = bytes.len() / 3 * 4;
        let from = [0, 2, 3][before];
        for encoded in [STANDARD_NO_PAD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes)] {
            forms.push(encoded[from..whole].to_owned());
        }
    }
    forms.sort();
    forms.dedup();
    forms.into_iter().map(String::into_bytes).collect()
}

/// Whether a variable of this name holds a secret itself, rather than say where it is, how long or what for.
pub(super) fn is_secret_name(name: &str) -> bool {
    const LAST: &[&str] = &[
        "TOKEN",
        "SECRET",
        "PASSWORD",
        "PASSWD",
        "PASSPHRASE",
        "CREDENTIAL",
        "CREDENTIALS",
        "APIKEY",
        "API_KEY",
        "ACCESS_KEY",
        "PRIVATE_KEY",
        "SECRET_KEY",
        "SIGNING_KEY",
        "ENCRYPTION_KEY",
        "SECRET_KEY_BASE",
    ];
    let name = name.to_ascii_uppercase();
    LAST.iter().any(|last| name.strip_suffix(last).is_some_and(|rest| rest.is_empty() || rest.ends_with('_')))
}

/// A word that came to light.
#[derive(Debug, Clone)]
pub(super) struct Leak {
    pub(super) taint: Taint,
    pub(super) place: Place,
    /// The line of the Dockerfile that brings it there.
    pub(super) line: usize,
}

/// What a tainted build showed.
#[derive(Debug)]
pub(super) struct Leaks {
    pub(super) taints: Vec<Taint>,
    pub(super) found: Vec<Leak>,
    /// Why secrets that the build itself consumes could not be followed.
    pub(super) unseen_secrets: Option<String>,
    /// Why nothing could.
    pub(super) unseen: Option<String>,
}

/// What of a deployment gets into the image of a role; `image` is the role's usual one.
pub(super) async fn leaks(bench: &Bench, role: &RoleSubject, image: &ImageInfo) -> Checked<Leaks> {
    let whole = leaks_with(bench, role, image, true).await?;
    if whole.unseen.is_none() {
        return Ok(whole);
    }
    // A build that needs its secrets to be the real ones: the rest can be followed without them.
    let rest = leaks_with(bench, role, image, false).await?;
    Ok(Leaks { unseen_secrets: whole.unseen, ..rest })
}

async fn leaks_with(bench: &Bench, role: &RoleSubject, image: &ImageInfo, with_secrets: bool) -> Checked<Leaks> {
    let mut taints = Taints::declared(bench);
    let (context, target, text) = tainted(bench, role, &mut taints, with_secrets)?;
    let name = format!("tainted-{}", role.name);
    let built = match build_in(&bench.run, &context, &target, text, target.args.clone(), &name).await? {
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
        let any = bench.engine().search_image(&built.id, &forms(&beginning(&taints.run))).await?;
        let needles = if any.is_empty() { Vec::new() } else { taints.needles() };
        let bytes: Vec<Vec<u8>> = needles.iter().map(|(_, needle)| needle.clone()).collect();
        let hits = if any.is_empty() { Vec::new() } else { bench.engine().search_image(&built.id, &bytes).await? };
        for hit in hits {
            let taint = taints.all[needles[hit.needle].0].clone();
            let line = lines::bringing(role, &taint, &hit.place, &taints.files);
            found.push(Leak { taint, place: hit.place, line });
        }
    }
    let given = bench.engine().info().buildkit || !taints.all.iter().any(|one| one.stands == Stands::BuildSecret);
    let unseen_secrets = (!given).then(|| "this engine's builder takes no secrets".to_owned());
    Ok(Leaks { taints: taints.all, found, unseen_secrets, unseen: None })
}

/// The role's build with the words in place: in the environment that compose.yaml interpolates, in build arguments,
/// build secrets, and the files of the context.
fn tainted(
    bench: &Bench,
    role: &RoleSubject,
    taints: &mut Taints,
    with_secrets: bool,
) -> Result<(Context, Target, String)> {
    let mut target = role.target.clone();
    let env = interpolated(bench, taints, with_secrets);
    if let Ok(compose) = compose::read(&bench.subject.folder, &env)
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
            Kind::Arg(args) => {
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
            Kind::Run(run) if with_secrets => {
                for id in run.mounts.iter().filter_map(secret_id) {
                    let word = taints.word(&id, Stands::BuildSecret);
                    target.secrets.insert(id, word.into_bytes());
                    uncached.push(instruction.line);
                }
            }
            _ => {}
        }
    }
    let text = uncached_runs(&target.dockerfile.text, &uncached, &taints.run);
    let context = seeds::context(bench, &target, taints)?;
    Ok((context, target, text))
}

/// What compose.yaml is given for the variables that it takes from its host.
fn interpolated(bench: &Bench, taints: &mut Taints, with_secrets: bool) -> BTreeMap<String, String> {
    for one in &bench.subject.compose.interpolated {
        if with_secrets {
            taints.variable(&one.name);
        }
    }
    let all = taints.all.iter().filter(|taint| is_variable(taint) && (with_secrets || !taint.is_secret()));
    all.map(|taint| (taint.name.clone(), taint.word.clone())).collect()
}

/// The id of a mount that is a build secret: its own, else its target's name.
fn secret_id(mount: &RunMount) -> Option<String> {
    if mount.kind != "secret" {
        return None;
    }
    let own = mount.options.iter().find(|(key, _)| key == "id").and_then(|(_, value)| value.clone());
    own.or_else(|| mount.target.as_deref()?.rsplit('/').next().map(ToOwned::to_owned))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_names_that_mean_the_secret_itself() {
        for name in
            ["TOKEN", "NPM_TOKEN", "DATABASE_PASSWORD", "aws_secret_access_key", "APP_SECRET_KEY_BASE", "X_API_KEY"]
        {
            assert!(is_secret_name(name), "{name}");
        }
        for name in
            ["PUBLIC_KEY_ID", "GPG_KEY", "TOKEN_FILE", "TOKEN_URL", "PASSWORD_MIN_LENGTH", "KEY", "BROKEN", "MYTOKEN"]
        {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn a_word_is_known_in_every_form_wherever_it_begins() {
        let word = word("verify-1", 0);
        for before in ["", "a", "ab", "abc"] {
            let text = STANDARD_NO_PAD.encode(format!("{before}{word}\n"));
            let known = |form: &Vec<u8>| text.contains(std::str::from_utf8(form).unwrap());
            assert!(forms(&word).iter().any(known), "{before}");
        }
        assert!(forms(&word).contains(&hex(word.as_bytes()).into_bytes()));
        // What all begin with is enough to know that there is one.
        for before in ["", "a", "ab"] {
            let text = STANDARD_NO_PAD.encode(format!("{before}{word}\n"));
            let known = |form: &Vec<u8>| text.contains(std::str::from_utf8(form).unwrap());
            assert!(forms(&beginning("verify-1")).iter().any(known), "{before}");
        }
    }

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
