//! What an ignore file leaves out, on generated trees: our context is the docker CLI's, file by file.
//!
//! `DOCKWRIGHT_TEST_TREES=500` tries so many, other ones each time.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use dockwright::engine::{BuildContext, BuildOutcome, BuildRequest, WalkOptions};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::context::{by_the_cli, plain};
use super::{engine, finish};

/// So many trees in an ordinary run, always the same ones.
const TREES: u32 = 48;

/// What is at a path.
#[derive(Debug, Clone)]
enum Node {
    File { mode: u32, content: String },
    Folder { mode: u32 },
    Link { target: String },
}

/// A folder with its ignore file.
#[derive(Debug, Clone)]
struct Tree {
    nodes: BTreeMap<String, Node>,
    ignore: String,
    /// Where the Dockerfile is.
    dockerfile: &'static str,
    /// Whether the rules are in `<Dockerfile>.dockerignore`, beside a `.dockerignore` that counts for nothing then.
    own: bool,
}

/// Few names, so that patterns fit often.
fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "a", "b", "ab", "foo", "foo.py", "bar.md", ".env", ".git", "a b", "é", "[x]", "a*", "#a", "!a", "A", "-",
    ])
    .prop_map(String::from)
}

fn path() -> impl Strategy<Value = String> {
    prop::collection::vec(name(), 1..5).prop_map(|parts| parts.join("/"))
}

fn node() -> impl Strategy<Value = Node> {
    let mode = prop::sample::select(vec![0o644, 0o755, 0o600, 0o4751, 0o2755, 0o1777, 0o444]);
    let target = prop_oneof![path(), Just("..".to_owned()), Just("/etc/passwd".to_owned()), Just("nowhere".to_owned())];
    prop_oneof![
        6 => (mode.clone(), "[a-z]{0,9}").prop_map(|(mode, content)| Node::File { mode, content }),
        2 => mode.prop_map(|mode| Node::Folder { mode: mode | 0o700 }),
        2 => target.prop_map(|target| Node::Link { target }),
    ]
}

/// A part of a pattern: a name, wildcards, or a name with some of it replaced by one. None is a lone backslash, which the
/// CLI refuses at the end of a pattern or takes for a dollar, by what stands before it; we refuse it.
fn part() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => name(),
        2 => Just("*".to_owned()),
        2 => Just("**".to_owned()),
        1 => prop::sample::select(vec![
            "?", "a?", "[ab]", "[a-f]*", "[^a]*", "*.py", "*o*", "\\[x]", "\\*", ".", "..", "**b", "a**", "foo.*", "?*", "[]", "[",
        ]).prop_map(String::from),
    ]
}

fn line() -> impl Strategy<Value = String> {
    let pattern =
        (prop::collection::vec(part(), 1..4), any::<[bool; 3]>()).prop_map(|(parts, [root, folder, twice])| {
            let slash = if twice { "//" } else { "/" };
            format!("{}{}{}", if root { "/" } else { "" }, parts.join(slash), if folder { "/" } else { "" })
        });
    let pattern = pattern.boxed();
    prop_oneof![
        8 => pattern.clone(),
        5 => pattern.clone().prop_map(|pattern| format!("!{pattern}")),
        1 => pattern.clone().prop_map(|pattern| format!("  {pattern}\t")),
        1 => pattern.clone().prop_map(|pattern| format!("! {pattern}")),
        1 => pattern.prop_map(|pattern| format!("# {pattern}")),
        1 => prop::sample::select(vec!["", "!", "/", ".", "*", "**", "!**", "*/", "!*/"]).prop_map(String::from),
    ]
}

fn ignore_file() -> impl Strategy<Value = String> {
    let end = prop::sample::select(vec!["\n", "\r\n"]);
    (prop::collection::vec(line(), 0..7), end, any::<bool>(), 0..12_u8).prop_map(|(lines, end, ended, mark)| {
        let text = lines.join(end) + if ended { end } else { "" };
        if mark == 0 { format!("\u{feff}{text}") } else { text }
    })
}

fn tree() -> impl Strategy<Value = Tree> {
    let nodes = prop::collection::btree_map(path(), node(), 1..25);
    let dockerfile = prop::sample::select(vec!["Dockerfile", "docker/dev.Dockerfile"]);
    (nodes, ignore_file(), dockerfile, any::<bool>()).prop_map(|(nodes, ignore, dockerfile, own)| Tree {
        nodes,
        ignore,
        dockerfile,
        own,
    })
}

const DOCKERFILE: &str = "FROM scratch\nCOPY . /c/\n";

impl Tree {
    /// Writes it; what would lie in or below something that is no folder is left out.
    fn write(&self, root: &Path) {
        for (path, node) in &self.nodes {
            let path = root.join(path);
            let parent = path.parent().unwrap();
            let plain = parent.ancestors().take_while(|folder| *folder != root).all(|folder| !folder.is_symlink());
            if path.symlink_metadata().is_ok() || !plain || std::fs::create_dir_all(parent).is_err() {
                continue;
            }
            match node {
                Node::File { mode, content } => {
                    std::fs::write(&path, content).unwrap();
                    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(*mode)).unwrap();
                }
                Node::Folder { mode } => {
                    std::fs::create_dir(&path).unwrap();
                    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(*mode)).unwrap();
                }
                Node::Link { target } => symlink(target, &path).unwrap(),
            }
        }
        let dockerfile = root.join(self.dockerfile);
        std::fs::create_dir_all(dockerfile.parent().unwrap()).unwrap();
        std::fs::write(&dockerfile, DOCKERFILE).unwrap();
        if self.own {
            std::fs::write(root.join(".dockerignore"), "**\n!foo\n").unwrap();
            std::fs::write(root.join(format!("{}.dockerignore", self.dockerfile)), &self.ignore).unwrap();
        } else {
            std::fs::write(root.join(".dockerignore"), &self.ignore).unwrap();
        }
    }
}

#[test]
fn generated_trees_are_sent_as_the_docker_cli_sends_them() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let Some(engine) = runtime.block_on(engine()).filter(|engine| engine.info().buildkit) else { return };
    let run = engine.run("ignored");
    let more = std::env::var("DOCKWRIGHT_TEST_TREES").ok().and_then(|text| text.parse().ok());
    let config =
        Config { cases: more.unwrap_or(TREES), failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    let mut runner = match more {
        Some(_) => TestRunner::new(config),
        None => TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha)),
    };
    let (compared, refused) = (Cell::new(0), Cell::new(0));
    let outcome = runner.run(&tree(), |tree| {
        let folder = tempfile::tempdir().unwrap();
        tree.write(folder.path());
        let theirs = runtime.block_on(by_the_cli(&run, folder.path(), tree.dockerfile));
        let ours = runtime.block_on(async {
            let context =
                BuildContext::open_for(folder.path(), Path::new(tree.dockerfile)).map_err(|error| error.to_string())?;
            let built = run.build(BuildRequest::new("test", &context, DOCKERFILE), |_| {}).await;
            match built.map_err(|error| error.to_string())? {
                BuildOutcome::Built { image_id } => {
                    Ok(run.walk_filesystem(&image_id, WalkOptions::default()).await.unwrap())
                }
                BuildOutcome::Failed(failure) => Err(failure.message),
            }
        });
        match (ours, theirs) {
            (Ok(ours), Ok(theirs)) => {
                compared.set(compared.get() + 1);
                prop_assert_eq!(plain(&ours), plain(&theirs));
            }
            (Err(_), Err(_)) => refused.set(refused.get() + 1),
            (ours, theirs) => prop_assert!(false, "ours: {:?}\ntheirs: {:?}", ours.err(), theirs.err()),
        }
        Ok(())
    });
    runtime.block_on(finish(&run));
    if let Err(error) = outcome {
        panic!("{error}");
    }
    let (compared, refused) = (compared.get(), refused.get());
    println!("{compared} trees compared, {refused} refused by both");
    assert!(compared >= 40, "{compared} trees compared, {refused} refused by both");
}
