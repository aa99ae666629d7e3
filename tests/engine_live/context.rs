//! Contexts: what `COPY` sees is what the docker CLI sends.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, Instant};

use dockwright::engine::{BuildContext, BuildEvent, BuildRequest, EngineRun, FileTree, Ignore, TreeEntry, WalkOptions};

use super::{BASE, build, built, engine, finish, fresh};

/// What the docker CLI's builder makes of a folder; the error is what it says.
pub(super) async fn by_the_cli(run: &EngineRun, folder: &Path, dockerfile: &str) -> Result<FileTree, String> {
    let plugin = std::env::var_os("DOCKWRIGHT_TEST_BUILDX");
    let mut command = match &plugin {
        Some(path) => tokio::process::Command::new(path),
        None => tokio::process::Command::new("docker"),
    };
    if plugin.is_none() {
        command.arg("buildx");
    }
    let name = format!("dockwright-test-cli:{}", fresh());
    command.args(["build", "-q", "-t", &name, "-f"]).arg(folder.join(dockerfile)).arg(folder);
    let ended = command.output().await.expect("the tests have the docker client and its buildx");
    if !ended.status.success() {
        return Err(String::from_utf8_lossy(&ended.stderr).into_owned());
    }
    let tree = run.walk_filesystem(&name, WalkOptions::default()).await.unwrap();
    run.engine().untag(&name).await.unwrap();
    Ok(tree)
}

/// All that a file is but its time, which engines without `BuildKit` get a fixed one of.
pub(super) fn plain(tree: &FileTree) -> Vec<(String, TreeEntry)> {
    let timeless = |(path, entry): (&String, &TreeEntry)| (path.clone(), TreeEntry { mtime: 0, ..entry.clone() });
    tree.files.iter().map(timeless).collect()
}

fn put(root: &Path, path: &str, content: &str) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}

fn project(ignore: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for path in [
        "a.txt",
        "b.md",
        "README.md",
        "src/main.py",
        "src/main.pyc",
        "src/deep/er/x.pyc",
        "src/deep/er/y.py",
        "foo",
        "foobar",
        "dir/foo",
        "dir/sub/foo/z",
        "node_modules/p/index.js",
        "keep/me/here",
        "keep/not",
        "with space/é ü",
        "brackets/[x]",
        "target/debug/out",
        ".env",
        ".git/config",
        "sub/.git/config",
        "a/b/c/d",
        "a/x/b",
        "star/*",
    ] {
        put(root, path, path);
    }
    put(root, "empty file", "");
    std::fs::create_dir_all(root.join("empty/folder")).unwrap();
    std::fs::set_permissions(root.join("a.txt"), std::fs::Permissions::from_mode(0o4751)).unwrap();
    std::fs::set_permissions(root.join("empty"), std::fs::Permissions::from_mode(0o1770)).unwrap();
    symlink("nowhere", root.join("dangling")).unwrap();
    symlink("src", root.join("to-folder")).unwrap();
    symlink("../a.txt", root.join("src/up")).unwrap();
    symlink("/etc/passwd", root.join("absolute")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(root.join("socket")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(root.join("fifo")).status().unwrap().success());
    put(root, "Dockerfile", "FROM scratch\nCOPY . /c\n");
    if !ignore.is_empty() {
        put(root, ".dockerignore", ignore);
    }
    folder
}

#[tokio::test]
async fn a_context_holds_what_the_docker_cli_sends() {
    let Some(engine) = engine().await else { return };
    if !engine.info().buildkit {
        return;
    }
    let run = engine.run("context");
    for ignore in [
        "",
        "*",
        "*\n!src\nsrc/**/*.pyc\n",
        "**/*.pyc\n**/.git\n.env*\n*.md\n!README.md\nnode_modules/\n/target\n",
        "\u{feff}# comment\r\nfoo\r\n  keep  \r\n!keep/me\r\n",
        "**/foo\ndir\n!dir/sub/foo\n",
        "*\n!**/y.py\n!a/*/b\n",
        "src/*\n!src/deep/er\nsrc/deep/er/x.*\n",
        "keep\n!keep/me/here\n",
        "**\n!keep\n",
        "a/**/d\nbrackets/[[]x\\]\nstar/\\*\nwith space\n?oo\n",
        ".dockerignore\nDockerfile\nto-folder\nempty\n",
        "!a.txt\n*\n!*.txt\n./b.md\nsrc/../foo\n",
        "[a-b]*\n[^a-z]*\n",
    ] {
        let folder = project(ignore);
        let theirs = by_the_cli(&run, folder.path(), "Dockerfile").await.unwrap();
        let context = BuildContext::open(folder.path()).unwrap();
        let image = built(&run, &context, "FROM scratch\nCOPY . /c\n").await;
        let ours = run.walk_filesystem(&image, WalkOptions::default()).await.unwrap();
        let (ours_plain, theirs_plain) = (plain(&ours), plain(&theirs));
        let differ: Vec<_> = ours_plain.iter().filter(|file| !theirs_plain.contains(file)).collect();
        let lack: Vec<_> = theirs_plain.iter().filter(|file| !ours_plain.contains(file)).collect();
        assert!(differ.is_empty() && lack.is_empty(), "{ignore:?}: we send {differ:?}, not {lack:?}");
        // And the list that checks read is the same.
        let mut listed: Vec<_> = context.files().unwrap().iter().map(|file| format!("/c/{}", file.path)).collect();
        listed.sort();
        let there: Vec<_> = ours.files.keys().filter(|path| path.starts_with("/c/")).cloned().collect();
        assert_eq!(listed, there, "{ignore:?}");
    }
    finish(&run).await;
}

#[tokio::test]
async fn a_part_of_a_context_is_sent_with_its_links() {
    let Some(engine) = engine().await else { return };
    let run = engine.run("context");
    let folder = project("");
    let context = BuildContext::open(folder.path()).unwrap();
    let image = built(&run, &context, "FROM scratch\nCOPY to-folder/main.py src/*.pyc /c/\nCOPY keep/me /k\n").await;
    let tree = run.walk_filesystem(&image, WalkOptions::default()).await.unwrap();
    let files: Vec<_> = tree.files.keys().map(String::as_str).collect();
    assert_eq!(files, ["/c", "/c/main.py", "/c/main.pyc", "/k", "/k/here"]);
    finish(&run).await;
}

#[tokio::test]
async fn overlays_replace_add_and_remove_and_ignore_rules_hold_for_them() {
    let Some(engine) = engine().await else { return };
    let run = engine.run("context");
    let folder = project("secret*\n");
    let context = BuildContext::open(folder.path()).unwrap();
    let changed = context
        .with_file("a.txt", "a.txt", 0o600)
        .with_file("src/main.py", "changed!!!!", 0o644)
        .with_file("new/deep/file", "new", 0o755)
        .with_file("secret.env", "seeded", 0o644)
        .with_symlink("new/link", "deep/file")
        .without("node_modules")
        .without("b.md");
    let dockerfile = "FROM scratch\nCOPY . /\n";
    let image = built(&run, &changed, dockerfile).await;
    let tree = run.walk_filesystem(&image, WalkOptions::default()).await.unwrap();
    assert_eq!(tree.files["/a.txt"].mode, 0o600);
    assert_eq!(tree.files["/new/deep/file"].mode, 0o755);
    assert_eq!(tree.files["/new/link"].link.as_deref(), Some("deep/file"));
    for gone in ["/secret.env", "/node_modules", "/node_modules/p/index.js", "/b.md"] {
        assert!(!tree.files.contains_key(gone), "{gone}");
    }
    // The same size, the same path, another content: it must not be taken for unchanged.
    let again = run
        .walk_filesystem(
            &built(&run, &context.with_file("src/main.py", "changed????", 0o644), dockerfile).await,
            WalkOptions::default(),
        )
        .await
        .unwrap();
    assert_ne!(again.files["/src/main.py"].sha256, tree.files["/src/main.py"].sha256);
    let plain = run
        .walk_filesystem(
            &built(&run, &context.with_ignore(Ignore::default()).with_file("secret.env", "seeded", 0o644), dockerfile)
                .await,
            WalkOptions::default(),
        )
        .await
        .unwrap();
    assert!(plain.files.contains_key("/secret.env") && plain.files.contains_key("/b.md"));
    finish(&run).await;
}

#[tokio::test]
async fn names_that_are_not_utf8_are_refused_or_ignored() {
    use std::os::unix::ffi::OsStrExt;
    let Some(engine) = engine().await else { return };
    let run = engine.run("context");
    let folder = project("");
    std::fs::write(folder.path().join(std::ffi::OsStr::from_bytes(b"bad-\xff")), "x").unwrap();
    let request = |context: &BuildContext| BuildRequest::new("x", context, "FROM scratch\nCOPY . /\n");
    let outcome = run.build(request(&BuildContext::open(folder.path()).unwrap()), |_| {}).await;
    if engine.info().buildkit {
        let error = outcome.unwrap_err();
        assert!(error.message().contains("bad-"), "{error}");
    }
    put(folder.path(), ".dockerignore", "bad-*\n");
    let (outcome, _) = build(&run, request(&BuildContext::open(folder.path()).unwrap())).await;
    assert!(outcome.image_id().is_some());
    finish(&run).await;
}

#[tokio::test]
async fn touched_files_keep_layers_cached_and_changed_ones_do_not() {
    let Some(engine) = engine().await else { return };
    let run = engine.run("context");
    let folder = project("");
    put(folder.path(), "unique", &fresh());
    let dockerfile = format!("FROM {BASE}\nCOPY . /c\nRUN true\n");
    let cached = async |context: &BuildContext| {
        let (_, events) = build(&run, BuildRequest::new("x", context, &dockerfile)).await;
        events.iter().any(|event| matches!(event, BuildEvent::StepCached(step) if step.name.contains("RUN true")))
    };
    assert!(!cached(&BuildContext::open(folder.path()).unwrap()).await);
    let now = std::time::SystemTime::now();
    std::fs::File::options().write(true).open(folder.path().join("unique")).unwrap().set_modified(now).unwrap();
    assert!(cached(&BuildContext::open(folder.path()).unwrap()).await);
    put(folder.path(), "unique", &fresh());
    assert!(!cached(&BuildContext::open(folder.path()).unwrap()).await);
    // As long as before, and with the time of before: `cp -p` of another version does that.
    let file = folder.path().join("unique");
    let (long, time) = (std::fs::read(&file).unwrap().len(), std::fs::metadata(&file).unwrap().modified().unwrap());
    put(folder.path(), "unique", &format!("{:0>16}", fresh())[..long]);
    std::fs::File::options().write(true).open(&file).unwrap().set_modified(time).unwrap();
    assert!(!cached(&BuildContext::open(folder.path()).unwrap()).await);
    finish(&run).await;
}

#[tokio::test]
async fn a_hundred_thousand_files_are_listed_quickly() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..20_000 {
        put(folder.path(), &format!("d{}/f{number}", number / 100), "");
    }
    let begun = Instant::now();
    let files = BuildContext::open(folder.path()).unwrap().files().unwrap();
    assert_eq!(files.len(), 20_200);
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_named() {
    let Some(engine) = engine().await else { return };
    let run = engine.run("context");
    let folder = project("");
    let context = BuildContext::open(folder.path()).unwrap();
    context.files().unwrap();
    put(folder.path(), "unique", &fresh());
    std::fs::remove_file(folder.path().join("a.txt")).unwrap();
    std::fs::create_dir(folder.path().join("a.txt")).unwrap();
    // Both builds want it, and both are told.
    let request = || BuildRequest::new("x", &context, format!("FROM {BASE}\nRUN echo {}\nCOPY . /\n", fresh()));
    let (one, other) = tokio::join!(run.build(request(), |_| {}), run.build(request(), |_| {}));
    for outcome in [one, other] {
        let error = outcome.unwrap_err();
        assert!(error.to_string().contains("a.txt"), "{error}");
    }
    finish(&run).await;
}
