//! The command line as a user has it, without an engine: what it refuses, what it writes, what it prints.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::support::{Ran, below, dockwright, missing, run, service, stacks};

const NOWHERE: &str = "unix:///nonexistent/engine.sock";

/// Runs the command where no engine is.
fn without_engine<A: AsRef<OsStr>>(folder: &Path, args: impl IntoIterator<Item = A>) -> Ran {
    Ran::of(dockwright().current_dir(folder).env("DOCKER_HOST", NOWHERE).args(args))
}

/// What a person is told of a mistake: what it is and what to do next; nothing on stdout, nothing written.
#[track_caller]
fn refused(folder: &Path, args: &[&str]) -> Ran {
    let before = below(folder);
    let ran = run(folder, args).exits(2).says(&["error: "]);
    assert_eq!(ran.out, "", "data on stdout");
    assert_eq!(below(folder), before, "something was written");
    assert!(!ran.err.contains("panicked") && !ran.err.contains("RUST_BACKTRACE"), "{}", ran.err);
    ran
}

#[test]
fn bad_names_are_refused() {
    let home = tempfile::tempdir().unwrap();
    let long = "a".repeat(300);
    let names = [
        "",
        " ",
        "-",
        "--",
        "a b",
        "a\"b",
        "a'b",
        "a`b",
        "a\nb",
        "a\tb",
        "$HOME",
        "a$b",
        "..",
        "../evil",
        "a/b",
        "/etc/evil",
        "a\\b",
        "Orders",
        "oRDERS",
        "ordersé",
        "ордерс",
        "a_b",
        "a.b",
        "-orders",
        "orders-",
        "a--b",
        "1orders",
        &long,
        "dev",
        "dev-tools",
        "build",
        "service",
        "test",
        "installation",
        "{{name}}",
        "#x",
        "~",
        "*",
        "con\r",
    ];
    for name in names {
        for stack in stacks() {
            let ran = refused(home.path(), &["new", "--stack", stack, "--", name]);
            assert!(ran.err.contains("next: ") || ran.err.contains("For more information"), "{name:?}: {}", ran.err);
        }
    }
}

#[test]
fn names_that_a_language_has_taken_are_refused() {
    let home = tempfile::tempdir().unwrap();
    for (stack, names) in [
        ("python", ["import", "asyncio", "fastapi"]),
        ("node", ["http", "fs", "node-modules"]),
        ("rust", ["fn", "std", "self"]),
        ("go", ["net", "internal", "std"]),
    ] {
        for name in names {
            refused(home.path(), &["new", name, "--stack", stack]).says(&[name]);
        }
    }
}

#[test]
fn a_name_that_is_not_text_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let name = OsString::from(OsStr::from_bytes(b"or\xffders"));
    run(home.path(), [OsStr::new("new"), &name, OsStr::new("--stack"), OsStr::new("python")]).exits(2);
    assert!(below(home.path()).is_empty());
}

#[test]
fn good_names_are_taken() {
    let home = tempfile::tempdir().unwrap();
    for name in ["a1", "orders", "orders-api-2", "x-y-z", "a23456789012345678901234567890123456789"] {
        run(home.path(), ["new", name, "--stack", "python"]).exits(0);
        assert!(home.path().join(name).join("dockwright.toml").is_file());
    }
}

#[test]
fn bad_arguments_are_refused() {
    let home = tempfile::tempdir().unwrap();
    for args in [
        &["new"][..],
        &["new", "orders"],
        &["new", "orders", "--stack", "cobol"],
        &["new", "orders", "--stack", ""],
        &["new", "orders", "--stack", "python", "--manager", "npm"],
        &["new", "orders", "--stack", "python", "--manager", ""],
        &["new", "orders", "--stack", "python", "--port", "0"],
        &["new", "orders", "--stack", "python", "--port", "70000"],
        &["new", "orders", "--stack", "python", "--port", "-1"],
        &["new", "orders", "--stack", "python", "--layout", "both"],
        &["new", "orders", "--stack", "python", "--no-such-flag"],
        &["new", "orders", "more", "--stack", "python"],
        &["--format", "xml", "new", "orders", "--stack", "python"],
        &["no-such-command"],
        &["completions", "tcsh"],
        &["explain", "dev.relaod"],
    ] {
        refused(home.path(), args);
    }
    refused(home.path(), &["explain", "dev.relaod"]).says(&["did you mean `dev.reload`?"]);
    refused(home.path(), &["new", "orders", "--stack", "cobol"]).says(&["node, python, rust"]);
    assert_eq!(run(home.path(), [""; 0]).code, Some(2), "no command");
}

#[test]
fn a_target_in_the_way_is_refused_and_kept() {
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("orders");
    let new = ["new", "orders", "--stack", "python"];

    std::fs::write(&target, "mine").unwrap();
    refused(home.path(), &new).says(&["is not a folder"]);
    assert_eq!(std::fs::read(&target).unwrap(), b"mine");
    std::fs::remove_file(&target).unwrap();

    let elsewhere = tempfile::tempdir().unwrap();
    for to in [elsewhere.path(), Path::new("/nonexistent"), Path::new(".")] {
        std::os::unix::fs::symlink(to, &target).unwrap();
        refused(home.path(), &new).says(&["symbolic link"]);
        assert!(below(elsewhere.path()).is_empty());
        std::fs::remove_file(&target).unwrap();
    }

    std::fs::create_dir(&target).unwrap();
    for index in 0..14 {
        std::fs::write(target.join(format!("file-{index:02}")), "mine").unwrap();
    }
    std::fs::write(target.join(".hidden"), "mine").unwrap();
    refused(home.path(), &new).says(&["is not empty", ".hidden", "file-00", "and 5 more"]);
    refused(home.path(), &["new", "orders", "--stack", "python", "--dry-run"]).says(&["is not empty"]);
    let ran = run(home.path(), ["new", "orders", "--stack", "python", "--format", "json"]).exits(2);
    assert_eq!(ran.json()["outcome"], "error");

    let empty = home.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    run(home.path(), ["new", "empty", "--stack", "rust"]).exits(0);
    assert!(empty.join("Cargo.toml").is_file(), "an empty folder is no obstacle");
}

#[test]
fn a_parent_that_is_not_there_or_no_folder_is_refused() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("file"), "").unwrap();
    for into in ["missing", "missing/deep", "file", "file/deep", "/proc", "/dev/null"] {
        for more in [&[][..], &["--dry-run"]] {
            if more.is_empty() || into.starts_with("file") || into == "/dev/null" {
                let args = [&["new", "orders", "--stack", "python", "--into", into], more].concat();
                refused(home.path(), &args);
            }
        }
    }
}

/// Runs a shell script in a mount namespace of its own; `$1` is the command under test, `$2` an empty folder.
fn in_namespace(script: &str) -> Option<Ran> {
    let home = tempfile::tempdir().unwrap();
    let rootless = !rustix::process::geteuid().is_root();
    let flags = if rootless { "-rm" } else { "-m" };
    let possible = Ran::of(Command::new("unshare").args([flags, "true"]));
    if possible.code != Some(0) {
        missing("right to a mount namespace");
        return None;
    }
    let mut command = Command::new("unshare");
    command.env("NO_COLOR", "1").args([flags, "sh", "-c", script, "sh", env!("CARGO_BIN_EXE_dockwright")]);
    let ran = Ran::of(command.arg(home.path()));
    assert!(below(home.path()).is_empty());
    Some(ran)
}

#[test]
fn a_read_only_parent_is_refused() {
    let script = "mount -t tmpfs -o ro none \"$2\" && cd \"$2\" && \"$1\" new orders --stack python";
    let Some(ran) = in_namespace(script) else { return };
    ran.exits(2).says(&["cannot write in", "Read-only file system", "next: "]);
}

#[test]
fn a_full_disk_leaves_nothing() {
    for size in ["8k", "40k", "64k"] {
        let script = format!(
            "mount -t tmpfs -o size={size} none \"$2\" && cd \"$2\" || exit 99; \"$1\" new orders --stack python; code=$?; \
             echo \"left: $(ls -A)\"; exit $code"
        );
        let Some(ran) = in_namespace(&script) else { return };
        let ran = ran.exits(2).says(&["cannot ", "No space left on device"]);
        assert_eq!(ran.out, "left: \n", "with {size}");
    }
}

#[test]
fn a_full_stdout_is_no_panic() {
    let home = tempfile::tempdir().unwrap();
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    for args in [&["explain"][..], &["man"], &["completions", "bash"]] {
        let mut command = dockwright();
        let ran = Ran::of(command.current_dir(&home).args(args).stdout(full()));
        assert!(!ran.err.contains("panicked"), "{args:?}: {}", ran.err);
    }
}

#[test]
fn a_dry_run_writes_nothing_and_says_the_same() {
    for stack in stacks() {
        let home = tempfile::tempdir().unwrap();
        let dry = run(home.path(), ["new", "orders", "--stack", stack, "--dry-run"]).exits(0);
        assert!(below(home.path()).is_empty());
        let dry_json = run(home.path(), ["--format", "json", "new", "orders", "--stack", stack, "-n"]).exits(0).json();
        assert!(below(home.path()).is_empty());
        let wet = run(home.path(), ["new", "orders", "--stack", stack]).exits(0);
        assert_eq!(dry.out, wet.out);
        let files: Vec<String> = dry_json["files"].as_array().unwrap().iter().map(text).collect();
        let written: Vec<PathBuf> = below(&home.path().join("orders"))
            .into_iter()
            .filter(|path| home.path().join("orders").join(path).is_file())
            .collect();
        assert_eq!(
            files.iter().map(PathBuf::from).collect::<std::collections::BTreeSet<_>>(),
            written.into_iter().collect()
        );
        assert_eq!((&dry_json["schema"], &dry_json["written"]), (&Value::from(1), &Value::from(false)));
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a string").to_owned()
}

#[test]
fn json_is_one_document_and_the_rest_goes_to_stderr() {
    let (_home, folder) = service("python", &[]);
    for args in [
        &["show"][..],
        &["show", "dev"],
        &["show", "compose.yaml"],
        &["explain"],
        &["explain", "dev"],
        &["explain", "dev.reload"],
    ] {
        let ran = run(&folder, [&["--format", "json"], args].concat()).exits(0);
        assert_eq!(ran.json()["schema"].as_i64().or(Some(1)), Some(1), "{args:?}");
        assert_eq!(ran.err, "", "{args:?}");
    }
    let ran = without_engine(&folder, ["verify", "--format", "json"]).exits(3);
    assert_eq!((&ran.json()["outcome"], &ran.json()["error"]["kind"]), (&Value::from("error"), &Value::from("engine")));
    let ran = run(&folder, ["show", "nothing", "--format", "json"]).exits(2);
    assert_eq!(ran.json()["error"]["kind"], "usage");
}

#[test]
fn show_prints_what_is_written() {
    for stack in stacks() {
        for layout in ["single", "per-role"] {
            let (_home, folder) = service(stack, &["--layout", layout]);
            let all = run(&folder, ["show", "--format", "json"]).exits(0).json();
            let files = all["files"].as_array().unwrap();
            assert!(files.len() >= 5);
            for file in files {
                let (path, contents) = (text(&file["path"]), text(&file["contents"]));
                assert_eq!(std::fs::read_to_string(folder.join(&path)).unwrap(), contents, "{stack} {layout} {path}");
                assert_eq!(run(&folder, ["show", &path]).exits(0).out, contents, "{stack} {layout} {path}");
            }
            for role in ["dev", "dev-tools", "build", "service", "test", "installation"] {
                let shown = run(&folder, ["show", role]).exits(0).out;
                assert!(shown.contains(&format!(" AS {role}\n")) && shown.contains(&format!("  {role}:\n")), "{shown}");
            }
            refused(&folder, &["show", "nothing"]).says(&["neither a rendered file nor a role", "compose.yaml"]);
        }
    }
}

#[test]
fn every_role_and_contract_is_explained() {
    let home = tempfile::tempdir().unwrap();
    let all = run(home.path(), ["explain", "--format", "json"]).exits(0).json();
    assert_eq!(all["roles"].as_array().unwrap().len(), 6);
    let human = run(home.path(), ["explain"]).exits(0).out;
    for contract in all["contracts"].as_array().unwrap() {
        let name = text(&contract["contract"]);
        assert!(human.contains(&name));
        let one = run(home.path(), ["explain", &name]).exits(0).out;
        for part in ["promise", "how", "fix"] {
            assert!(one.contains(&text(&contract[part])), "{name}: {part}");
        }
    }
    for role in all["roles"].as_array().unwrap() {
        run(home.path(), ["explain", &text(&role["role"])]).exits(0);
    }
}

#[test]
fn completions_and_the_manual_page() {
    let home = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = run(home.path(), ["completions", shell]).exits(0);
        for word in ["verify", "dry-run", "stack"] {
            assert!(ran.out.contains(word), "{shell} does not know {word}");
        }
        if shell == "bash" {
            let script = home.path().join("completions.bash");
            std::fs::write(&script, &ran.out).unwrap();
            Ran::of(Command::new("bash").arg("-n").arg(&script)).exits(0);
        }
    }
    let page = run(home.path(), ["man"]).exits(0).out;
    for part in [".TH dockwright", "verify", "SYNOPSIS"] {
        assert!(page.contains(part), "no {part}");
    }
}

#[test]
fn help_of_every_command() {
    let home = tempfile::tempdir().unwrap();
    let help = run(home.path(), ["--help"]).exits(0).out;
    assert!(help.contains("Exit codes"));
    for command in ["new", "show", "verify", "build", "doctor", "clean", "explain", "completions", "man"] {
        assert!(help.contains(command), "{command}");
        run(home.path(), [command, "--help"]).exits(0);
    }
    run(home.path(), ["--version"]).exits(0);
}

#[test]
fn without_an_engine_it_says_so_at_once() {
    let (_home, folder) = service("python", &[]);
    for args in [
        &["verify"][..],
        &["verify", "--build-only"],
        &["doctor"],
        &["clean"],
        &["build"],
        &["build", "--source", "mount"],
    ] {
        let ran = without_engine(&folder, args).exits(3).says(&["/nonexistent/engine.sock", "next: "]);
        assert!(ran.took < Duration::from_secs(1), "{args:?} took {:?}", ran.took);
        assert_eq!(ran.out, "");
    }
    for host in [
        "tcp://127.0.0.1:1",
        "tcp://192.0.2.1:2375",
        "tcp://nonexistent.invalid:2375",
        "nonsense",
        "ssh://nowhere.invalid",
    ] {
        let ran = Ran::of(dockwright().current_dir(&folder).env("DOCKER_HOST", host).arg("doctor")).exits(3);
        assert!(ran.took < Duration::from_secs(10), "{host} took {:?}", ran.took);
    }
    // Everything else works.
    for args in [
        &["show"][..],
        &["explain"],
        &["man"],
        &["completions", "zsh"],
        &["build", "--dry-run"],
        &["new", "other", "--stack", "node"],
    ] {
        without_engine(&folder, args).exits(0);
    }
}

#[test]
fn an_engine_that_does_not_answer_is_given_up() {
    let home = tempfile::tempdir().unwrap();
    let socket = home.path().join("deaf.sock");
    let _deaf = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let mut command = dockwright();
    let ran = Ran::of(command.arg("doctor").env("DOCKER_HOST", format!("unix://{}", socket.display()))).exits(3);
    assert!(ran.took < Duration::from_secs(20), "took {:?}", ran.took);
}

/// A description or file that is wrong is told, with its place, before an engine is looked for.
#[track_caller]
fn told(folder: &Path, texts: &[&str]) {
    let before = below(folder);
    let ran = without_engine(folder, ["verify"]).exits(2).says(texts).says(&["error: "]);
    assert_eq!(below(folder), before);
    assert!(ran.took < Duration::from_secs(10), "took {:?}", ran.took);
}

fn edit(file: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{from} is not in {}:\n{text}", file.display());
    std::fs::write(file, text.replacen(from, to, 1)).unwrap();
}

#[test]
fn hostile_descriptions_are_told_with_their_place() {
    let (_home, folder) = service("python", &[]);
    let file = folder.join("dockwright.toml");
    let good = std::fs::read_to_string(&file).unwrap();
    let line = good.lines().position(|line| line == "stack = \"python\"").unwrap() + 1;
    for (from, to, said) in [
        ("stack = \"python\"\n", "prot = 8000\nstack = \"python\"\n", "did you mean `port`?"),
        ("stack = \"python\"", "stack = 3", "dockwright.toml:"),
        ("stack = \"python\"", "stack = \"pyhton\"", "python"),
    ] {
        std::fs::write(&file, good.replacen(from, to, 1)).unwrap();
        told(&folder, &[&format!("dockwright.toml:{line}:"), said]);
    }
    let deep = format!("schema = 1\na = {}{}\n", "[".repeat(100_000), "]".repeat(100_000));
    let long_key = format!("schema = 1\n{} = 1\n", "k".repeat(500_000));
    for hostile in [
        b"".as_slice(),
        b"\0",
        b"\xff\xfe",
        b"{}",
        b"schema = 1",
        b"schema: 1\n",
        b"[[[[",
        deep.as_bytes(),
        long_key.as_bytes(),
    ] {
        std::fs::write(&file, hostile).unwrap();
        told(&folder, &["dockwright.toml"]);
    }
    std::fs::File::create(&file).unwrap().set_len(100 << 20).unwrap();
    told(&folder, &["dockwright.toml", "large"]);
    std::fs::remove_file(&file).unwrap();
    told(&folder, &["dockwright.toml", "next: "]);
    std::fs::create_dir(&file).unwrap();
    told(&folder, &["dockwright.toml"]);
    std::fs::remove_dir(&file).unwrap();
    fifo(&file);
    told(&folder, &["dockwright.toml"]);
}

/// A pipe that nobody writes to: whoever opens it waits for ever.
fn fifo(path: &Path) {
    Ran::of(Command::new("mkfifo").arg(path)).exits(0);
}

#[test]
fn hostile_compose_files_are_told() {
    let (_home, folder) = service("python", &[]);
    let file = folder.join("compose.yaml");
    let good = std::fs::read_to_string(&file).unwrap();
    for (from, to, said) in
        [("  dev:\n", "  dev:\n    comand: [x]\n", "comand"), ("  dev:\n", "  dev:\n    ports: 3\n", "ports")]
    {
        std::fs::write(&file, good.replacen(from, to, 1)).unwrap();
        told(&folder, &["compose.yaml:", said]);
    }
    std::fs::write(&file, good.replacen("target: service", "target: sevrice", 1)).unwrap();
    told(&folder, &["`sevrice`", "did you mean `service`?"]);
    let mut bomb = String::from("name: orders\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..30 {
        let refs = vec![format!("*a{}", level - 1); 10].join(", ");
        writeln!(bomb, "a{level}: &a{level} [{refs}]").unwrap();
    }
    bomb.push_str("services: { dev: { image: x, labels: *a29 } }\n");
    let deep = format!("services: {}{}\n", "[".repeat(100_000), "]".repeat(100_000));
    let mut merges = String::from("x0: &x0 { a: 1 }\n");
    for level in 1..40 {
        let lower = level - 1;
        writeln!(merges, "x{level}: &x{level} {{ <<: [*x{lower}, *x{lower}, *x{lower}], b{level}: *x{lower} }}")
            .unwrap();
    }
    merges.push_str("services: {}\n");
    let circle = "services: &s { dev: *s }\n";
    for hostile in [
        bomb.as_str(),
        &deep,
        &merges,
        circle,
        "",
        "[]",
        "\t",
        "services: 3",
        "services: {dev: {}}",
        "%YAML 9.9\n---\n",
        "a: b: c",
        "!!python/object x",
    ] {
        std::fs::write(&file, hostile).unwrap();
        told(&folder, &["compose.yaml"]);
    }
    std::fs::write(&file, b"services:\n  dev: \xff\xfe\n").unwrap();
    told(&folder, &["compose.yaml"]);
    std::fs::File::create(&file).unwrap().set_len(100 << 20).unwrap();
    told(&folder, &["compose.yaml"]);
    std::fs::write(&file, "# a comment\n".repeat((100 << 20) / 12)).unwrap();
    told(&folder, &["compose.yaml"]);
    std::fs::remove_file(&file).unwrap();
    told(&folder, &["compose.yaml"]);
    fifo(&file);
    told(&folder, &["compose.yaml"]);
}

#[test]
fn a_dockerfile_without_a_stage_is_told() {
    let (_home, folder) = service("python", &[]);
    let file = folder.join("Dockerfile");
    edit(&file, "FROM service AS test", "FROM service AS tests");
    told(&folder, &["Dockerfile", "`test`"]);
    for hostile in [
        "",
        "# nothing\n",
        "FROM\n",
        "RUN x\n",
        "FROM scratch AS a AS b\n",
        "FROM x\nNOSUCH y\n",
        "FROM x\nRUN <<EOF\n",
    ] {
        std::fs::write(&file, hostile).unwrap();
        told(&folder, &["Dockerfile"]);
    }
    std::fs::write(&file, b"FROM x\xff\n").unwrap();
    told(&folder, &["Dockerfile"]);
    std::fs::File::create(&file).unwrap().set_len(100 << 20).unwrap();
    told(&folder, &["Dockerfile"]);
    std::fs::remove_file(&file).unwrap();
    told(&folder, &["Dockerfile"]);
    fifo(&file);
    told(&folder, &["Dockerfile"]);
}

#[test]
fn an_unknown_role_or_contract_is_told() {
    let (_home, folder) = service("python", &[]);
    without_engine(&folder, ["verify", "dev.relaod"]).exits(2).says(&["dev.relaod", "next: "]);
    without_engine(&folder, ["verify", ""]).exits(2);
    without_engine(&folder, ["-C", "/nonexistent", "verify"]).exits(2).says(&["/nonexistent"]);
}
