//! From a logical line to an instruction.

use super::lines::{LineFault, Logical};
use super::model::{CommandForm, Copy, HealthcheckInstruction, InstructionKind, RunInstruction, RunMount};
use super::words::{flags, json_array, keyword, split_quoted};
use crate::text::nearest;

/// FROM, taken apart.
pub(super) struct From {
    pub base: String,
    pub name: Option<String>,
    pub platform: Option<String>,
}

/// What a logical line is.
pub(super) enum Parsed {
    From(From),
    Other(InstructionKind),
}

const KEYWORDS: [&str; 18] = [
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

/// Understands one logical line.
pub(super) fn instruction(logical: &Logical, escape: char) -> Result<Parsed, LineFault> {
    let (word, rest) = keyword(&logical.joined);
    let name = word.to_ascii_uppercase();
    if name == "FROM" {
        return from(logical, rest, escape).map(Parsed::From);
    }
    kind(logical, &name, rest, escape).map(Parsed::Other)
}

fn kind(logical: &Logical, name: &str, rest: &str, escape: char) -> Result<InstructionKind, LineFault> {
    let fault = |message: String| Err(LineFault::new(logical.line, message));
    if !KEYWORDS.contains(&name) {
        let error = LineFault::new(logical.line, format!("unknown instruction `{name}`"));
        return Err(match nearest(name, KEYWORDS.iter().copied()) {
            Some(near) => error.hint(format!("did you mean {near}?")),
            None => error,
        });
    }
    // BuildKit warns of these, and builds.
    if rest.is_empty() && !matches!(name, "CMD" | "ENTRYPOINT" | "RUN") {
        return fault(format!("{name} needs at least one argument"));
    }
    Ok(match name {
        "ADD" => InstructionKind::Add(copy(logical, name, rest, escape)?),
        "COPY" => InstructionKind::Copy(copy(logical, name, rest, escape)?),
        "ARG" => InstructionKind::Arg(args(rest, escape)),
        "CMD" => InstructionKind::Cmd(command(rest)),
        "ENTRYPOINT" => InstructionKind::Entrypoint(command(rest)),
        "ENV" => InstructionKind::Env(pairs(logical, name, rest, escape)?),
        "LABEL" => InstructionKind::Label(pairs(logical, name, rest, escape)?),
        "EXPOSE" => InstructionKind::Expose(rest.split_whitespace().map(str::to_owned).collect()),
        "HEALTHCHECK" => InstructionKind::Healthcheck(healthcheck(logical, rest, escape)?),
        "MAINTAINER" => InstructionKind::Maintainer(rest.to_owned()),
        "ONBUILD" => {
            let (word, rest) = keyword(rest);
            let inner = word.to_ascii_uppercase();
            if matches!(inner.as_str(), "ONBUILD" | "FROM" | "MAINTAINER") {
                return fault(format!("{inner} is not allowed after ONBUILD"));
            }
            InstructionKind::Onbuild(Box::new(kind(logical, &inner, rest, escape)?))
        }
        "RUN" => InstructionKind::Run(run(logical, rest, escape)?),
        "SHELL" => match json_array(rest) {
            Some(words) if !words.is_empty() => InstructionKind::Shell(words),
            _ => return fault("SHELL takes a JSON array: [\"/bin/sh\", \"-c\"]".to_owned()),
        },
        "STOPSIGNAL" => InstructionKind::StopSignal(rest.to_owned()),
        "USER" => InstructionKind::User(rest.to_owned()),
        "VOLUME" => InstructionKind::Volume(
            json_array(rest).unwrap_or_else(|| rest.split_whitespace().map(str::to_owned).collect()),
        ),
        "WORKDIR" => InstructionKind::Workdir(rest.to_owned()),
        _ => return fault(format!("{name} is not allowed here")),
    })
}

fn from(logical: &Logical, rest: &str, escape: char) -> Result<From, LineFault> {
    let (options, rest) = flags(rest, escape);
    let words: Vec<&str> = rest.split_whitespace().collect();
    let (base, name) = match words.as_slice() {
        [base] => (*base, None),
        [base, with, name] if with.eq_ignore_ascii_case("as") => (*base, Some((*name).to_owned())),
        _ => {
            return Err(
                LineFault::new(logical.line, "FROM is not understood").hint("write FROM image, or FROM image AS name")
            );
        }
    };
    if let Some(name) = &name {
        stage_name(logical.line, name)?;
    }
    let mut platform = None;
    for (flag, value) in options.iter().map(|option| flag(option)) {
        match flag {
            "platform" => platform = value.map(str::to_owned),
            other => return Err(unknown_flag(logical.line, "FROM", other, &["platform"])),
        }
    }
    Ok(From { base: base.to_owned(), name, platform })
}

/// `BuildKit`: `^[a-z][a-z0-9-_.]*$` in lower case.
fn stage_name(line: usize, name: &str) -> Result<(), LineFault> {
    let lower = name.to_ascii_lowercase();
    let starts = lower.starts_with(|c: char| c.is_ascii_lowercase());
    let good = lower.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c));
    if starts && good {
        return Ok(());
    }
    Err(LineFault::new(line, format!("`{name}` cannot be a stage's name"))
        .hint("start with a letter, go on with letters, digits, `-`, `_` and `.`"))
}

/// `--name=value`.
fn flag(word: &str) -> (&str, Option<&str>) {
    let word = word.trim_start_matches("--");
    match word.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (word, None),
    }
}

fn unknown_flag(line: usize, instruction: &str, flag: &str, known: &[&str]) -> LineFault {
    let fault = LineFault::new(line, format!("{instruction} has no flag `--{flag}`"));
    match nearest(flag, known.iter().copied()) {
        Some(near) => fault.hint(format!("did you mean `--{near}`?")),
        None => fault.hint(format!("it takes --{}", known.join(", --"))),
    }
}

fn command(rest: &str) -> CommandForm {
    json_array(rest).map_or_else(|| CommandForm::Shell(rest.to_owned()), CommandForm::Exec)
}

fn on(value: Option<&str>) -> bool {
    !matches!(value, Some("false" | "0" | "f" | "F" | "FALSE" | "False"))
}

fn copy(logical: &Logical, name: &str, rest: &str, escape: char) -> Result<Copy, LineFault> {
    const KNOWN: [&str; 9] =
        ["from", "chown", "chmod", "exclude", "link", "parents", "checksum", "keep-git-dir", "unpack"];
    let (options, rest) = flags(rest, escape);
    let mut copy = Copy { heredocs: logical.heredocs.clone(), ..Copy::default() };
    for (flag, value) in options.iter().map(|option| flag(option)) {
        let text = value.map(str::to_owned);
        match flag {
            "from" if name == "COPY" => copy.from = text.filter(|from| !from.is_empty()),
            "chown" => copy.chown = text,
            "chmod" => copy.chmod = text,
            "exclude" => copy.exclude.extend(text),
            "link" => copy.link = on(value),
            "parents" if name == "COPY" => copy.parents = on(value),
            "checksum" if name == "ADD" => copy.checksum = text,
            "keep-git-dir" if name == "ADD" => copy.keep_git_dir = on(value),
            "unpack" if name == "ADD" => copy.unpack = Some(on(value)),
            other => return Err(unknown_flag(logical.line, name, other, &KNOWN)),
        }
    }
    let mut words = json_array(rest).unwrap_or_else(|| rest.split_whitespace().map(str::to_owned).collect());
    if words.len() < 2 {
        return Err(LineFault::new(logical.line, format!("{name} needs a source and a destination")));
    }
    copy.dest = words.pop().unwrap_or_default();
    // What opened a heredoc is not a path.
    copy.sources = words.into_iter().filter(|word| copy.heredocs.is_empty() || !word.starts_with("<<")).collect();
    Ok(copy)
}

fn run(logical: &Logical, rest: &str, escape: char) -> Result<RunInstruction, LineFault> {
    let (options, rest) = flags(rest, escape);
    let mut run = RunInstruction {
        command: command(rest),
        mounts: Vec::new(),
        network: None,
        security: None,
        heredocs: logical.heredocs.clone(),
    };
    for (flag, value) in options.iter().map(|option| flag(option)) {
        match flag {
            "mount" => run.mounts.push(mount(value.unwrap_or_default())),
            "network" => run.network = value.map(str::to_owned),
            "security" => run.security = value.map(str::to_owned),
            "device" => {}
            other => {
                return Err(unknown_flag(logical.line, "RUN", other, &["mount", "network", "security"]));
            }
        }
    }
    Ok(run)
}

/// The value of `--mount`: comma-separated, a field with a comma in double quotes.
fn mount(value: &str) -> RunMount {
    let mut found = RunMount { kind: "bind".to_owned(), ..RunMount::default() };
    let mut fields = vec![String::new()];
    let mut quoted = false;
    for c in value.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            _ => fields.last_mut().expect("never empty").push(c),
        }
    }
    for field in fields.into_iter().filter(|field| !field.is_empty()) {
        let (key, value) = match field.split_once('=') {
            Some((key, value)) => (key.to_ascii_lowercase(), Some(value.to_owned())),
            None => (field.to_ascii_lowercase(), None),
        };
        match key.as_str() {
            "type" => found.kind = value.clone().unwrap_or_default(),
            "from" => found.from.clone_from(&value),
            "source" | "src" => found.source.clone_from(&value),
            "target" | "dst" | "destination" => found.target.clone_from(&value),
            _ => {}
        }
        found.options.push((key, value));
    }
    found
}

fn args(rest: &str, escape: char) -> Vec<(String, Option<String>)> {
    split_quoted(rest, escape)
        .into_iter()
        .map(|word| match word.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (word, None),
        })
        .collect()
}

/// `A=1 B="2 3"`, or the old `A 1 2`.
fn pairs(logical: &Logical, name: &str, rest: &str, escape: char) -> Result<Vec<(String, String)>, LineFault> {
    let words = split_quoted(rest, escape);
    if !words.first().is_some_and(|word| word.contains('=')) {
        let (key, value) = keyword(rest);
        if value.is_empty() {
            return Err(LineFault::new(logical.line, format!("{name} needs a name and a value"))
                .hint(format!("write {name} {key}=value")));
        }
        return Ok(vec![(key.to_owned(), value.to_owned())]);
    }
    words
        .into_iter()
        .map(|word| match word.split_once('=') {
            Some((key, value)) => Ok((key.to_owned(), value.to_owned())),
            None => Err(LineFault::new(logical.line, format!("`{word}` in {name} has no `=`"))
                .hint("quote a value that contains blanks")),
        })
        .collect()
}

fn healthcheck(logical: &Logical, rest: &str, escape: char) -> Result<HealthcheckInstruction, LineFault> {
    const KNOWN: [&str; 5] = ["interval", "timeout", "start-period", "start-interval", "retries"];
    let (options, rest) = flags(rest, escape);
    let (word, rest) = keyword(rest);
    let mut check = HealthcheckInstruction {
        command: None,
        interval: None,
        timeout: None,
        start_period: None,
        start_interval: None,
        retries: None,
    };
    match word.to_ascii_uppercase().as_str() {
        "NONE" if rest.is_empty() => {}
        "CMD" if !rest.is_empty() => check.command = Some(command(rest)),
        _ => {
            return Err(LineFault::new(logical.line, "HEALTHCHECK is not understood")
                .hint("write HEALTHCHECK [options] CMD command, or HEALTHCHECK NONE"));
        }
    }
    for (flag, value) in options.iter().map(|option| flag(option)) {
        let value = value.map(str::to_owned);
        match flag {
            "interval" => check.interval = value,
            "timeout" => check.timeout = value,
            "start-period" => check.start_period = value,
            "start-interval" => check.start_interval = value,
            "retries" => check.retries = value,
            other => return Err(unknown_flag(logical.line, "HEALTHCHECK", other, &KNOWN)),
        }
    }
    Ok(check)
}
