//! Commands of scripts, Procfiles and images: what of them serves, and what only comes before it.

use super::rules::CommandRules;
use super::scope::ServiceScope;
use super::shell::{SHELLS, assigned, is_closed, is_grammar, is_script, parts, section, unwrapped};

/// So many scripts may call each other.
const DEEPEST: usize = 6;

/// What a command comes to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct CommandReading {
    /// The part that goes on running; none if it is a development tool.
    pub(super) start: Option<String>,
    /// The parts before it that prepare a release.
    pub(super) release: Vec<String>,
}

impl ServiceScope<'_> {
    /// Reads a command that runs in the service's folder.
    pub(super) fn command(&self, raw: &str) -> CommandReading {
        let mut reading = CommandReading::default();
        self.read_command(raw, "", 0, &mut reading);
        if reading.start.as_ref().is_some_and(|start| self.any(start, |commands| &commands.dev)) {
            reading.start = None;
        }
        // No shell runs a command whose quote is open at its end.
        reading.start = reading.start.filter(|start| is_closed(start));
        reading.release.retain(|step| is_closed(step));
        reading
    }

    fn lists(&self) -> [&CommandRules; 2] {
        [&self.book.commands, &self.shared.commands]
    }

    fn any(&self, text: &str, list: impl Fn(&CommandRules) -> &Vec<super::rules::RulePattern>) -> bool {
        self.lists().into_iter().flat_map(list).any(|pattern| pattern.is_match(text))
    }

    fn read_command(&self, raw: &str, folder: &str, depth: usize, reading: &mut CommandReading) {
        let mut folder = folder.to_owned();
        for part in parts(&unwrapped(raw)) {
            let part = self.plain(&part);
            if part.is_empty() {
                continue;
            }
            if let Some(into) = part.strip_prefix("cd ").filter(|into| !into.contains(' ')) {
                let into = into.trim_matches(['"', '\'']);
                if !into.starts_with(['/', '$']) {
                    let path = crate::text::clean(&format!("{folder}/{into}"));
                    path.trim_start_matches('/').clone_into(&mut folder);
                }
            } else if self.any(&part, |commands| &commands.setup) {
                // Neither serves nor prepares.
            } else if self.any(&part, |commands| &commands.release) {
                match self.expanded(&part, &folder).filter(|_| depth < DEEPEST) {
                    // A script that prepares and then serves.
                    Some((inner, into)) if parts(&inner).len() > 1 => {
                        self.read_command(&inner, &into, depth + 1, reading);
                    }
                    Some((inner, _)) => reading.release.push(inner),
                    None => reading.release.push(part),
                }
            } else {
                self.read_part(&part, &folder, depth, reading);
            }
        }
    }

    /// A part of a chain that is neither a step of a release nor of a setup.
    fn read_part(&self, part: &str, folder: &str, depth: usize, reading: &mut CommandReading) {
        if depth < DEEPEST {
            if let Some((command, inner)) = self.expanded(part, folder) {
                return self.read_command(&command, &inner, depth + 1, reading);
            }
            if let Some((script, arguments)) = self.script(part, folder) {
                let before = reading.start.take();
                self.read_script(&script, &arguments, folder, depth + 1, reading);
                // A script that only passes on what it is given starts nothing by itself.
                let passes_on = script.contains("$@") || script.contains("${@}");
                if reading.start.is_some() || passes_on {
                    reading.start = reading.start.take().or(before);
                    return;
                }
                reading.start = before;
            }
        }
        let rewritten = self
            .lists()
            .into_iter()
            .flat_map(|commands| &commands.rewrite)
            .fold(part.to_owned(), |text, one| one.re.get().replace(&text, one.to.as_str()).into_owned());
        let folder = if folder.is_empty() || folder == "." { String::new() } else { format!("cd {folder} && ") };
        reading.start = Some(format!("{folder}{}", rewritten.trim()));
    }

    /// A part without what stands before the command.
    fn plain(&self, part: &str) -> String {
        let mut text = part.trim().to_owned();
        for _ in 0..8 {
            let before = text.len();
            for pattern in self.lists().into_iter().flat_map(|commands| &commands.wrappers) {
                text = pattern.get().replace(&text, "").trim().to_owned();
            }
            if text.len() == before {
                break;
            }
        }
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// What a part runs by another file's word, and in which folder.
    fn expanded(&self, part: &str, folder: &str) -> Option<(String, String)> {
        for one in self.lists().into_iter().flat_map(|commands| &commands.expand) {
            let Some(captures) = one.re.get().captures(part) else { continue };
            let group = |name| captures.name(name).map_or("", |group| group.as_str());
            let name = group("name");
            let inner = crate::text::clean(&format!("{folder}/{}", group("dir"))).trim_start_matches('/').to_owned();
            let inner = if inner == "." { String::new() } else { inner };
            let file = self.tree.find(&self.outer(&format!("{inner}/{}", one.file)));
            let Some(file) = file else { continue };
            let found = match (&one.at, &one.line) {
                (Some(at), _) => {
                    self.tree.datum(file).and_then(|datum| Some(datum.text_at(&at.replace("@name@", name))?.to_owned()))
                }
                (None, Some(line)) => self.tree.text(file).and_then(|text| {
                    let line = regex::RegexBuilder::new(&line.replace("@name@", &regex::escape(name)))
                        .multi_line(true)
                        .build()
                        .ok()?;
                    Some(line.captures(&text)?.get(1)?.as_str().to_owned())
                }),
                (None, None) => None,
            };
            if let Some(found) = found.filter(|found| found.trim() != part) {
                let rest = group("rest").trim().trim_start_matches("-- ").to_owned();
                return Some((format!("{} {rest}", found.trim()).trim().to_owned(), inner));
            }
        }
        None
    }

    /// The shell script of the repository that a part runs, and its arguments.
    fn script(&self, part: &str, folder: &str) -> Option<(std::rc::Rc<str>, String)> {
        let (first, mut rest) = part.split_once(' ').unwrap_or((part, ""));
        let mut program = first;
        if SHELLS.contains(&first.rsplit('/').next().unwrap_or_default()) {
            (program, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        }
        if program.starts_with('-') || program.is_empty() || program.contains(['$', '`']) {
            return None;
        }
        let mut path = program.trim_start_matches("./");
        loop {
            let inner = [self.outer(&format!("{folder}/{path}")), path.trim_start_matches('/').to_owned()];
            if let Some(file) = inner.iter().find_map(|path| self.tree.find(path)) {
                return self.shell_text(file, rest);
            }
            match path.trim_start_matches('/').split_once('/') {
                Some((_, shorter)) => path = shorter,
                None => break,
            }
        }
        // An image has it where it likes; the one file of that name is meant.
        let path = path.trim_start_matches('/');
        let named = |file: &str| file.rsplit('/').next() == Some(path) && is_script(path);
        let mut all = self.tree.files().filter(|(_, file)| named(file));
        let (one, other) = (all.next(), all.next());
        one.filter(|_| other.is_none()).and_then(|(file, _)| self.shell_text(file, rest))
    }

    fn shell_text(&self, file: usize, arguments: &str) -> Option<(std::rc::Rc<str>, String)> {
        let name = self.tree.path(file);
        let text = self.tree.source(file)?;
        let first = text.lines().next().unwrap_or_default();
        let is_shell = first.starts_with("#!") && SHELLS.iter().any(|shell| first.ends_with(shell));
        (is_script(name) || is_shell).then(|| (text, arguments.to_owned()))
    }

    /// Reads a script: what it runs last, or what it is given to run.
    fn read_script(&self, text: &str, arguments: &str, folder: &str, depth: usize, reading: &mut CommandReading) {
        let joined = text.replace("\\\r\n", " ").replace("\\\n", " ");
        let (joined, arguments) = match section(&joined, arguments) {
            Some((section, rest)) => (section, rest),
            None => (joined, arguments),
        };
        let (mut last, mut executed) = (None, None);
        let mut here: Option<String> = None;
        for line in joined.lines() {
            let line = line.trim();
            if let Some(end) = &here {
                if line == end {
                    here = None;
                }
                continue;
            }
            if let Some((_, mark)) = line.split_once("<<") {
                here = Some(
                    mark.trim_start_matches('-')
                        .trim_matches([' ', '"', '\''])
                        .split(' ')
                        .next()
                        .unwrap_or_default()
                        .to_owned(),
                );
            }
            if line.starts_with('#') || is_grammar(line) {
                continue;
            }
            let line = line.trim_end_matches(";;").trim_end();
            let marks = ["\"$@\"", "\"${@}\"", "$@", "${@}", "$*"];
            let given = marks.iter().find_map(|mark| line.strip_suffix(mark)).map(str::trim);
            let program = given.map(|given| given.trim_start_matches("exec").trim());
            if let Some(program) =
                program.filter(|program| !program.is_empty() && given.is_some_and(|given| given.starts_with("exec ")))
            {
                executed = Some(format!("{program} {arguments}").trim().to_owned());
            } else if given.is_some() && !arguments.is_empty() {
                executed = Some(arguments.to_owned());
            } else if given.is_some() {
                // It passes on what it is not given.
            } else if let Some((_, command)) =
                line.split_once("exec ").filter(|(before, _)| !before.contains(['"', '\'']))
            {
                // `exec > FILE` only says where the rest writes.
                if command.trim_start().starts_with(['>', '<', '&']) {
                    continue;
                }
                if executed.is_none() || arguments.is_empty() {
                    executed = Some(command.to_owned());
                }
            } else if !line.ends_with('&') || line.ends_with("&&") {
                for part in parts(line) {
                    let part = self.plain(&part);
                    if part.is_empty() || self.any(&part, |commands| &commands.setup) {
                        continue;
                    }
                    if self.any(&part, |commands| &commands.release) {
                        reading.release.push(part);
                    } else {
                        last = Some(part);
                    }
                }
            }
        }
        if let Some(command) = executed.or(last) {
            let command = assigned(&joined, &command);
            self.read_command(&command, folder, depth, reading);
        }
    }
}
