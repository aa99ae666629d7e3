//! `service.immutable-code`: whoever takes the service over cannot change what runs the next time.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use regex::Regex;

use crate::engine::{EntryKind, FileTree, ImageInfo, TreeEntry};
use crate::lab::afoot::LiveCommand;
use crate::lab::at_work::settled;
use crate::lab::command::{CommandLine, ImageProgram};
use crate::lab::identity::Identity;
use crate::lab::leavings::{is_code, is_code_or_program};
use crate::lab::lineage::{base_tree, made_from_build};
use crate::lab::ports::{port_of, publish};
use crate::lab::servers::servers;
use crate::lab::way::way;
use crate::lab::{Lab, blame, if_possible, written};
use crate::project::Code;
use crate::stacks::ecosystem;
use crate::subject::RoleSubject;
use crate::text::{Place, join};
use crate::verify::stop::Checked;
use crate::verify::verdict::{fail, inconclusive, pass};

const EXPECTED: &str =
    "code, and the folders that contain it, belong to another user than the service's and are not writable for it";

/// In the place of a variable or an option: the working directory is a place of code by itself.
const HERE: &str = "working_dir";

/// `service.immutable-code`.
pub(super) async fn check(lab: &Lab) -> Checked {
    let role = lab.role("service")?;
    let image = lab.container_image("service")?;
    let service = lab.subject.service(role);
    if let Some((stage, _)) = made_from_build(lab) {
        return Ok(inconclusive(format!("the service is made from the stage {stage}, with everything in it")));
    }
    let user = service.settings.user.clone().unwrap_or_else(|| image.config.user.clone());
    let Some(identity) = Identity::of(lab, image, &user, &service.settings.group_add).await? else {
        return Ok(fail(format!(
            "the user {user:?} is root or unknown to the image, so nothing keeps it from the code"
        ))
        .expected(EXPECTED)
        .at_place(&blame::user(&lab.subject, role)));
    };
    for mount in &service.volumes {
        let code = lab.subject.project.roles.service.code == Code::Mounted && holds_code(lab, mount.source.as_ref());
        if code && !mount.read_only {
            return Ok(fail(format!("the code at {} is mounted writable", mount.target))
                .expected("the service's code is mounted read-only")
                .at_place(&mount.place)
                .by_itself());
        }
    }
    let tree = lab.tree(&image.id).await?;
    let base = base_tree(lab, role).await?.unwrap_or_default();
    let added = tree.files.iter().filter(|(path, entry)| {
        entry.kind == EntryKind::File
            && is_code_or_program(path, entry)
            && base.files.get(*path).is_none_or(|old| differs(old, entry))
    });
    let mut code: BTreeSet<&str> = added.map(|(path, _)| path.as_str()).collect();
    let count = code.len();
    let command = CommandLine::of(service, image);
    let program = command.words.first().and_then(|word| command.find(&tree, word));
    code.extend(program.as_ref().map(|found| found.way.end.as_str()));
    // A link or a folder of PATH by which the code is reached decides what runs, too.
    let links = links(&command, &tree, program.as_ref(), &code);
    let earlier = earlier(&command, &tree, program.as_ref());
    let searched = searched(&command, &tree);
    let on_the_way = links.iter().chain(&earlier).chain(searched.keys()).map(String::as_str);
    let ways = code.iter().copied().chain(on_the_way);
    let missing = missing(&command, &tree, program.as_ref());
    let made = missing.iter().filter_map(|path| Some((path.as_str(), identity.way_to_make(&tree, path)?)));
    let writable = ways.filter_map(|path| Some((path, identity.way_in(&tree, path)?))).chain(made);
    let mut writable: Vec<(&str, String)> = writable.collect();
    // What holds most of it says most.
    writable.sort_by_key(|(path, way)| (way.len(), path.len()));
    let Some((path, way)) = writable.first() else {
        if let Some((what, by)) = taken_while_it_runs(lab, role, image).await? {
            let so = if what == by { String::new() } else { format!(", and so change {what}") };
            return Ok(fail(format!("uid {} can write {by}{so}, which the service runs", identity.uid))
                .expected(EXPECTED)
                .at_place(&blame::command(&lab.subject, role))
                .by_itself());
        }
        return Ok(pass(format!(
            "uid {} can write none of {count} code files that the image adds, nor a folder on the way to one",
            identity.uid
        )));
    };
    let place = match written::by_layer(lab, &role.target, image, way).await {
        // What the user may write anyway is a fault only of who has code looked for there.
        None | Some(_) if missing.iter().any(|folder| folder == path) => naming(lab, role, path),
        Some(place) => place,
        None if searched.contains_key(*path) || earlier.iter().any(|folder| folder == path) => naming(lab, role, path),
        None => blame::giving(&role.target, way, &image.config.working_dir),
    };
    let what = if missing.iter().any(|folder| folder == path) {
        format!("uid {} can create {path} in {way}, where programs or code are looked for first", identity.uid)
    } else if let Some(earlier) = earlier.iter().find(|folder| folder == path) {
        let word = command.words.first().unwrap_or(&"");
        format!("uid {} can write {earlier}, where PATH finds `{word}` first", identity.uid)
    } else if searched.get(*path) == Some(&HERE) && path == way {
        format!("uid {} can write {path}, the working directory, where the command looks for code first", identity.uid)
    } else if let (Some(name), true) = (searched.get(*path), path == way) {
        format!("uid {} can write {path}, which {name} names", identity.uid)
    } else if path == way {
        format!("uid {} can write {path}", identity.uid)
    } else {
        format!("uid {} can write the folder {way}, and so replace {path}", identity.uid)
    };
    let more = writable.len() - 1;
    let more = if more == 0 { String::new() } else { format!(", and {more} more") };
    Ok(fail(format!("{what}{more}")).expected(EXPECTED).at_place(&place).by_itself())
}

/// What the processes that serve run, or take code of, and their user can write; and the file or folder by which. Nothing
/// where this host's kernel does not show it.
async fn taken_while_it_runs(lab: &Lab, role: &RoleSubject, image: &ImageInfo) -> Checked<Option<(String, String)>> {
    let info = lab.engine().info();
    let Ok(port) = port_of(lab, lab.subject.service(role), image) else { return Ok(None) };
    // Users of the container have other numbers there.
    if info.rootless || info.userns {
        return Ok(None);
    }
    // What cannot be started at all is another contract's affair.
    let Some(scene) = if_possible(lab.start(role, |spec| publish(spec, port)).await)? else { return Ok(None) };
    let _ = settled(lab, &scene, Some(port), |answer| lab.is_well(answer)).await;
    let serving = servers(lab, &scene.container, port).await?.unwrap_or_default();
    let found = serving.into_iter().filter_map(LiveCommand::of).find_map(|one| {
        let line = one.line();
        let named = line.words.iter().copied().filter(|word| is_code(word));
        let searched = searching(&line).into_iter().map(|(folder, _)| folder);
        let all = [one.program.as_str()].into_iter().chain(named).chain(searched).map(|path| join(line.workdir, path));
        all.chain(script(&one.program, &line, |path| one.has(path))).find_map(|path| {
            let by = one.way_in(&path)?;
            Some((path, by))
        })
    });
    scene.end().await;
    Ok(found)
}

/// What an interpreter runs, a file or a folder of any name: the first of its arguments that is there.
fn script(program: &str, line: &CommandLine<'_>, is_there: impl Fn(&str) -> bool) -> Option<String> {
    let name = program.rsplit('/').next().unwrap_or_default();
    let whole = |pattern: &str| Regex::new(&format!("^(?:{pattern})$")).expect("data, which a test reads");
    let (_, options) = ecosystem().runtimes.scripts.iter().find(|(program, _)| whole(program).is_match(name))?;
    let (instead, valued) = (whole(&options.instead), whole(&options.valued));
    let words = line.words.windows(2).take_while(|pair| !instead.is_match(pair[1]));
    let named = words.filter(|pair| !pair[1].starts_with('-') && !valued.is_match(pair[0])).map(|pair| pair[1]);
    named.map(|word| join(line.workdir, word)).find(|path| is_there(path))
}

/// The line that names a folder for a search: of compose.yaml's environment, else of the Dockerfile.
fn naming(lab: &Lab, role: &RoleSubject, folder: &str) -> Place {
    let service = lab.subject.service(role);
    let names =
        |value: &Option<String>| value.as_ref().is_some_and(|value| value.split(':').any(|part| part == folder));
    let started = service.settings.working_dir.as_deref() == Some(folder);
    if started {
        return service.at("working_dir").clone();
    }
    let given = service.settings.environment.iter().find(|(_, value)| names(value));
    let given = given.map(|(name, _)| service.at(&format!("environment.{name}")).clone());
    given.or_else(|| blame::value(&role.target, folder)).unwrap_or_else(|| role.target.place(role.target.line()))
}

/// Whether a volume is what the builder fills.
fn holds_code(lab: &Lab, source: Option<&String>) -> bool {
    let builder = lab.subject.role("build").map(|build| lab.subject.service(build));
    source.is_some()
        && builder.is_some_and(|builder| builder.volumes.iter().any(|mount| mount.source.as_ref() == source))
}

fn differs(old: &TreeEntry, new: &TreeEntry) -> bool {
    (old.mode, old.uid, old.gid, old.sha256) != (new.mode, new.uid, new.gid, new.sha256)
}

/// The folders of PATH in which the container's program is looked for before it is found.
fn earlier(command: &CommandLine<'_>, tree: &FileTree, found: Option<&ImageProgram>) -> Vec<String> {
    let before = found.and_then(|found| found.folder).unwrap_or_default();
    command.path[..before].iter().filter_map(|folder| Some(way(tree, folder)?.end)).collect()
}

/// The folders in which a program or code is looked for first and that are not there: whoever can make them decides.
fn missing(command: &CommandLine<'_>, tree: &FileTree, found: Option<&ImageProgram>) -> Vec<String> {
    let before = found.and_then(|found| found.folder).unwrap_or_default();
    let all = command.path[..before].iter().copied().chain(searching(command).into_iter().map(|(folder, _)| folder));
    all.filter(|folder| folder.starts_with('/') && way(tree, folder).is_none())
        .map(|folder| join("/", folder))
        .collect()
}

/// The folders that variables list, each with the variable.
fn listed<'a>(command: &CommandLine<'a>) -> Vec<(&'a str, &'a str)> {
    let parts = command.env.iter().flat_map(|(name, value)| value.split([':', ' ']).map(|part| (part, *name)));
    parts.filter(|(part, _)| part.starts_with('/')).collect()
}

/// The folders in which a runtime looks for code beside that of the image, and the variable that says so.
fn searched<'a>(command: &CommandLine<'a>, tree: &FileTree) -> BTreeMap<String, &'a str> {
    let all = searching(command).into_iter();
    all.filter_map(|(folder, name)| Some((way(tree, &join(command.workdir, folder))?.end, name))).collect()
}

/// The files and folders of which a runtime takes code, as they are named, and the variable or the option that says so.
fn searching<'a>(command: &CommandLine<'a>) -> Vec<(&'a str, &'a str)> {
    let of = &ecosystem().runtimes;
    let mut found = listed(command);
    found.retain(|(_, name)| of.search.iter().any(|own| own == name));
    let line = command.words.join(" ");
    let here = of.here.iter().filter_map(|pattern| Regex::new(pattern).expect("data, which a test reads").find(&line));
    let is_off = command.env.iter().any(|(name, value)| !value.is_empty() && of.not_here.iter().any(|own| own == name));
    let here = here.filter(|_| !is_off).map(|_| (command.workdir, HERE));
    found.extend(here);
    let options = command.env.iter().filter(|(name, _)| of.options.iter().any(|own| own == *name));
    let texts = command.words.iter().copied().chain(options.map(|(_, value)| *value));
    let words: Vec<&str> = texts.flat_map(str::split_whitespace).collect();
    for (at, word) in words.iter().enumerate() {
        let option = of.loads.iter().find_map(|own| Some((own, word.strip_prefix(own.as_str())?)));
        let Some((option, rest)) = option else { continue };
        let value = match rest.strip_prefix(['=', ':']) {
            Some(value) => value,
            None if rest.is_empty() => words.get(at + 1).copied().unwrap_or_default(),
            None => continue,
        };
        let parts = value.split(':').map(|part| part.trim_matches(['"', '\'', ';']).trim_end_matches("/*"));
        found.extend(parts.filter(|part| !part.is_empty()).map(|part| (part, &word[..option.len()])));
    }
    found
}

/// The links on the way to code: in the working directory, in what the command names, in the folders that variables list.
fn links(
    command: &CommandLine<'_>,
    tree: &FileTree,
    found: Option<&ImageProgram>,
    code: &BTreeSet<&str>,
) -> BTreeSet<String> {
    let named = command.words.iter().filter(|word| word.contains('/')).map(|word| join(command.workdir, word));
    let of_path = found.and_then(|found| found.folder).map(|at| command.path[at]);
    let folders =
        [command.workdir].into_iter().chain(of_path).chain(listed(command).into_iter().map(|(folder, _)| folder));
    let ways = named.chain(folders.map(ToOwned::to_owned)).filter_map(|path| way(tree, &path));
    let holds = |end: &str| code.iter().any(|path| Path::new(path).starts_with(end));
    ways.filter(|way| way.end != "/" && holds(&way.end)).flat_map(|way| way.links).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_load_code_name_it() {
        let command = |words: &[&'static str], env: &[(&'static str, &'static str)]| CommandLine {
            words: words.to_vec(),
            workdir: "/srv",
            path: Vec::new(),
            env: env.iter().copied().collect(),
        };
        for (words, env, expected) in [
            (&["node", "--require", "/tmp/x.js", "a.js"][..], &[][..], &["/tmp/x.js"][..]),
            (&["sh", "-c", "exec node --import=/tmp/x.mjs a.js"], &[], &["/tmp/x.mjs"]),
            (&["java", "-cp", "/srv/a.jar:/data/plugins/*", "Main"], &[], &["/srv/a.jar", "/data/plugins"]),
            (&["java", "-javaagent:/tmp/a.jar", "-jar", "/srv/app"], &[], &["/tmp/a.jar", "/srv/app"]),
            (&["java", "-cp", "classes:lib/*", "Main"], &[], &["classes", "lib"]),
            (&["node", "a.js"], &[("NODE_OPTIONS", "--require /tmp/x.js --max-old-space-size=99")], &["/tmp/x.js"]),
            (&["node", "a.js"], &[("NODE_OPTIONS", "--diagnostic-dir=/tmp"), ("OTHER", "--require /tmp/x.js")], &[]),
            (&["x"], &[("LD_PRELOAD", "/opt/a.so /tmp/b.so")], &["/opt/a.so", "/tmp/b.so"]),
            (&["python", "-m", "orders"], &[], &["/srv"]),
            (&["sh", "-c", "exec /opt/venv/bin/python3.13 -X dev -um orders"], &[], &["/srv"]),
            (&["gunicorn", "orders:app"], &[], &["/srv"]),
            (&["python", "-Im", "orders"], &[], &[]),
            (&["python", "run.py", "-m", "fast"], &[], &[]),
            (&["python", "-m", "orders"], &[("PYTHONSAFEPATH", "1")], &[]),
        ] {
            let command = command(words, env);
            let found: Vec<&str> = searching(&command).into_iter().map(|(path, _)| path).collect();
            assert_eq!(found, expected, "{words:?} {env:?}");
        }
    }

    #[test]
    fn an_interpreter_runs_its_first_argument() {
        for (program, words, expected) in [
            ("/usr/local/bin/python3.13", &["python", "-X", "dev", "/tmp/app", "/data"][..], Some("/tmp/app")),
            ("/usr/local/bin/python3.13", &["/opt/venv/bin/python", "/opt/venv/bin/web"], Some("/opt/venv/bin/web")),
            ("/usr/local/bin/python3.13", &["python", "-Im", "orders", "/data"], None),
            ("/usr/bin/node", &["node", "--no-deprecation", "run", "/data"], Some("/srv/run")),
            ("/usr/bin/node", &["node", "--env-file", "/data", "-r", "/data", "run", "/data"], Some("/srv/run")),
            ("/usr/bin/php8.4", &["php", "-c", "/data", "run"], Some("/srv/run")),
            ("/usr/bin/node", &["node", "--eval", "require('x')", "/data"], None),
            ("/bin/dash", &["sh", "-ec", "sleep 9", "/data"], None),
            ("/usr/bin/perl", &["perl", "-e1", "/data"], None),
            ("/usr/bin/ruby", &["ruby", "-e", "x", "/data"], None),
            ("/usr/bin/php8.4", &["php", "-S", "0.0.0.0:80", "-t", "/data"], Some("/data")),
            ("/srv/app/orders", &["/srv/app/orders", "/data"], None),
        ] {
            let words = words.to_vec();
            let line = CommandLine { words, workdir: "/srv", path: Vec::new(), env: BTreeMap::new() };
            let is_there = |path: &str| ["/tmp/app", "/opt/venv/bin/web", "/srv/run", "/data"].contains(&path);
            assert_eq!(script(program, &line, is_there).as_deref(), expected, "{:?}", line.words);
        }
    }

    #[test]
    fn what_leads_to_the_code_is_known() {
        let link =
            |to: &str| TreeEntry { link: Some(to.to_owned()), ..TreeEntry::bare(EntryKind::Symlink, 0o777, 0, 0) };
        let tree = FileTree::from([
            ("/data", TreeEntry::bare(EntryKind::Directory, 0o755, 7, 7)),
            ("/data/app", link("/srv/app")),
            ("/srv", TreeEntry::bare(EntryKind::Directory, 0o755, 0, 0)),
            ("/srv/app", TreeEntry::bare(EntryKind::Directory, 0o755, 0, 0)),
            ("/srv/app/a.py", TreeEntry::bare(EntryKind::File, 0o644, 0, 0)),
            ("/opt/bin", TreeEntry::bare(EntryKind::Directory, 0o755, 7, 7)),
            ("/bin", TreeEntry::bare(EntryKind::Directory, 0o755, 0, 0)),
            ("/bin/run", TreeEntry::bare(EntryKind::File, 0o755, 0, 0)),
        ]);
        let command = |words: &[&'static str], workdir| CommandLine {
            words: words.to_vec(),
            workdir,
            path: vec!["/nowhere", "/opt/bin", "/bin", "/later"],
            env: [("HOME", "/data/app/sub"), ("PYTHONPATH", "/opt/bin"), ("OTHER", "/srv")].into(),
        };
        let code = ["/srv/app/a.py"].into();
        let found = |command: &CommandLine<'_>| command.find(&tree, command.words[0]);
        let links = |command: &CommandLine<'_>| links(command, &tree, found(command).as_ref(), &code);
        let of = command(&["run", "a.py"], "/data/app");
        assert_eq!(found(&of).unwrap().way.end, "/bin/run");
        assert_eq!(earlier(&of, &tree, found(&of).as_ref()), ["/opt/bin"]);
        assert_eq!(missing(&of, &tree, found(&of).as_ref()), ["/nowhere"]);
        assert_eq!(links(&of), ["/data/app".to_owned()].into());
        assert_eq!(links(&command(&["/bin/run", "/data/app/a.py"], "/")), ["/data/app".to_owned()].into());
        let by_path = command(&["./a.py"], "/srv/app");
        assert_eq!(found(&by_path).unwrap().way.end, "/srv/app/a.py");
        assert!(earlier(&by_path, &tree, found(&by_path).as_ref()).is_empty());
        assert!(links(&command(&["run"], "/srv/app")).is_empty());
        assert_eq!(searched(&of, &tree), [("/opt/bin".to_owned(), "PYTHONPATH")].into());
        let who = Identity { uid: 7, gids: [7].into() };
        assert_eq!(who.way_in(&tree, "/data/app").as_deref(), Some("/data"));
        assert_eq!(who.way_in(&tree, "/opt/bin").as_deref(), Some("/opt/bin"));
    }
}
