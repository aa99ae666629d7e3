//! Every reader of others' texts on changed seeds: none may panic, take long, or break what it promises. A seed is a file of
//! `tests/fuzz/SEEDS` or of another test's cases; what is found is written to `target/tmp/fuzz/` and named.
//!
//! `FUZZ_RUNS=1000000 FUZZ=ignore,dockerfile cargo test --test fuzz -- --nocapture` runs those targets so often (`make fuzz` runs
//! all of them); without it each runs some thousand times, always the same.
#![expect(clippy::disallowed_methods, clippy::disallowed_macros, reason = "tests read seeds and print")]

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use dockwright::engine::Ignore;
use dockwright::stacks::formats::LockFormat;
use dockwright::verify::{Memory, Redactor};
use dockwright::{compose, dockerfile, project, stacks, text};

/// Longer than a reader takes for a text of some kilobytes, even without optimisation on a busy machine.
const SLOW: Duration = Duration::from_secs(2);

/// No changed text is longer, in bytes.
const LONGEST: usize = 8 << 10;

/// A reader, where its seeds are, and the words of its language.
struct Target {
    name: &'static str,
    seeds: &'static [&'static str],
    words: &'static [&'static str],
    read: fn(&[u8], &Path),
}

const TARGETS: &[Target] = &[
    Target {
        name: "dockerfile",
        seeds: &["tests/fuzz/dockerfile"],
        words: &[
            "FROM a AS b\n",
            "RUN <<E\n",
            "\nE\n",
            "COPY --from=0 ",
            "\\\n",
            "ARG a=$b\n",
            "# escape=`\n",
            "[\"",
            "${a:-",
            "ONBUILD ",
        ],
        read: |bytes, _| {
            let Ok(text) = std::str::from_utf8(bytes) else { return };
            if let Ok(read) = dockerfile::parse(text, Path::new("Dockerfile")) {
                // Lines are the user's.
                let lines = text.split('\n').count();
                for stage in &read.stages {
                    assert!(stage.line >= 1 && stage.end_line <= lines, "{} of {lines}", stage.end_line);
                    let _ = (read.closure(stage.index), read.outside_images(stage.index), read.ancestry(stage.index));
                }
                let last = read.stages.len() - 1;
                let _ = (read.truncated_before_source(last), read.arg_defaults(last, usize::MAX));
            }
        },
    },
    Target {
        name: "ignore",
        seeds: &["tests/fuzz/ignore"],
        words: &["**/", "*", "!", "[a-z]", "?", "\\", "a", "/", "\n", "../", "**", "[^", "]"],
        read: |bytes, _| {
            let text = String::from_utf8_lossy(bytes);
            let (patterns, path) = text.rsplit_once('\n').unwrap_or((&text, "a/b/c.py"));
            if let Ok(ignore) = Ignore::parse(patterns) {
                let ignored = ignore.is_ignored(path);
                // What only leaves out does so for all that is below, too.
                if ignored && !patterns.contains('!') && !path.is_empty() {
                    assert!(ignore.is_ignored(&format!("{path}/x")), "{path:?}");
                }
            }
        },
    },
    Target {
        name: "compose",
        seeds: &["tests/fuzz/compose"],
        words: &[
            "services:\n",
            "  a: {image: x}\n",
            "&a ",
            "*a",
            "<<: ",
            "!reset ",
            "${A:-",
            "}",
            "\n    ",
            "- ",
            "extends: ",
            "[",
            "{",
            "'",
            "|\n",
        ],
        read: |bytes, folder| {
            std::fs::write(folder.join("compose.yaml"), bytes).unwrap();
            let env = BTreeMap::from([("A".to_owned(), "value".to_owned())]);
            if let Ok(read) = compose::read(folder, &env) {
                for name in read.services.keys().chain(read.configs.keys()).chain(read.secrets.keys()) {
                    assert!(!name.contains('/') && !name.contains('\n'), "{name:?}");
                }
            }
        },
    },
    Target {
        name: "dotenv",
        seeds: &["tests/fuzz/dotenv"],
        words: &["A=", "\n", "'", "\"", "${", "}", ":-", "export ", "#", "\\", "$A"],
        read: |bytes, folder| {
            std::fs::write(folder.join("compose.yaml"), "services: {a: {image: 'x${A}'}}").unwrap();
            std::fs::write(folder.join(".env"), bytes).unwrap();
            let _ = compose::read(folder, &BTreeMap::new());
        },
    },
    Target {
        name: "description",
        seeds: &["tests/cases/project"],
        words: &["schema = 1\n", "[service]\n", "[verify]\n", "[[", "]]\n", "= ", "\"", "'''", "{", "\n"],
        read: |bytes, _| {
            let Ok(text) = std::str::from_utf8(bytes) else { return };
            let _ = project::Project::parse(text, Path::new("dockwright.toml"), stacks::embedded());
        },
    },
    Target {
        name: "locks",
        seeds: &["tests/fuzz/locks"],
        words: &[
            "-r a\n",
            "==1 --hash=sha256:a\n",
            "[[package]]\n",
            "name = \"a\"\n",
            "{\"packages\": {",
            "}",
            "node_modules/",
            "\\\n",
        ],
        read: |bytes, folder| {
            std::fs::write(folder.join("lock"), bytes).unwrap();
            for format in [LockFormat::Requirements, LockFormat::Uv, LockFormat::Npm] {
                let _ = format.read(folder, "lock");
            }
        },
    },
    Target {
        name: "redaction",
        seeds: &["tests/fuzz/redaction"],
        words: &["hunter2", "correct-horse", "\n", "=", "aHVudGVyMg", "%", "\\u00e9", "taint", "é"],
        read: |bytes, _| {
            let text = String::from_utf8_lossy(bytes);
            let secret = "correct-horse-battery";
            let env = BTreeMap::from([("TOKEN".to_owned(), secret.to_owned())]);
            let redactor = Redactor::of_environment(&env);
            let at = text.floor_char_boundary(text.len() / 2);
            let (before, after) = text.split_at(at);
            for form in [secret.to_owned(), "636f72726563742d686f7273652d62617474657279".to_owned()] {
                let told = redactor.text(&format!("{before}{form}{after}"));
                assert!(!told.contains(&form), "{told}");
            }
            let once = redactor.text(&text);
            assert_eq!(redactor.text(&once), once);
        },
    },
    Target {
        name: "memory",
        seeds: &["tests/fuzz/memory"],
        words: &["\"schema\":1", "\"passes\":{", "}", "\"dev.reload\":", "\"key\":\"", "null", "[", "\\u0000", "1e999"],
        read: |bytes, _| {
            let memory = Memory::of_text(bytes);
            assert_eq!(memory, Memory::of_text(memory.to_text().as_bytes()));
        },
    },
    Target {
        name: "cleaning",
        seeds: &["tests/fuzz/redaction"],
        words: &["\u{1b}[", "\u{1b}]0;", "\u{7}", "::", "##[", "##vso[", "\r", "\n", "#", "\u{202e}"],
        read: |bytes, _| {
            let told = text::plain(&String::from_utf8_lossy(bytes));
            assert!(!told.contains('\u{1b}') && !told.contains('\r') && !told.contains("##["), "{told:?}");
            assert!(!told.lines().any(|line| line.trim_start().starts_with("::")), "{told:?}");
            assert_eq!(text::plain(&told), told);
            let json = serde_json::to_string(&told).unwrap()
                + &serde_json::to_string(&*String::from_utf8_lossy(bytes)).unwrap();
            assert!(!text::json_without_commands(&json).contains("##"));
        },
    },
];

/// A small generator of numbers (xorshift*, Vigna 2016): the same for the same beginning.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).expect("below a usize")
    }
}

fn seeds(folders: &[&str]) -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let entries = folders.iter().flat_map(|folder| walkdir::WalkDir::new(root.join(folder)).sort_by_file_name());
    let files = entries.filter_map(Result::ok).filter(|entry| entry.file_type().is_file());
    files.filter_map(|file| std::fs::read(file.path()).ok()).filter(|bytes| bytes.len() <= LONGEST).collect()
}

/// A text made of a seed, or two, by some changes.
fn changed(chance: &mut Chance, seeds: &[Vec<u8>], words: &[&str]) -> Vec<u8> {
    let mut bytes = seeds[chance.below(seeds.len())].clone();
    for _ in 0..=chance.below(6) {
        let at = chance.below(bytes.len() + 1);
        let end = (at + chance.below(24)).min(bytes.len());
        match chance.below(7) {
            0 => drop(bytes.splice(at..at, words[chance.below(words.len())].bytes())),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let part = bytes[at..end].to_vec();
                for _ in 0..=chance.below(8) {
                    bytes.splice(at..at, part.iter().copied());
                }
            }
            3 => {
                let other = &seeds[chance.below(seeds.len())];
                let from = chance.below(other.len() + 1);
                bytes.splice(at.., other[from..].iter().copied());
            }
            4 if at < bytes.len() => bytes[at] ^= 1 << chance.below(8),
            5 if at < bytes.len() => bytes[at] = b" \n\t\0\"'\\${}[]#:=!*/-"[chance.below(19)],
            _ => bytes.truncate(at.max(1)),
        }
    }
    bytes.truncate(LONGEST);
    bytes
}

fn fuzz(target: &Target, runs: usize) {
    let seeds = seeds(target.seeds);
    assert!(!seeds.is_empty(), "{} has no seeds", target.name);
    // Memory where there is some: most readers are asked for files.
    let shm = Path::new("/dev/shm");
    let folder = if shm.is_dir() { tempfile::tempdir_in(shm) } else { tempfile::tempdir() }.unwrap();
    let mut chance = Chance(0x9E37_79B9_7F4A_7C15 ^ runs as u64);
    let (start, mut slowest) = (Instant::now(), Duration::ZERO);
    for run in 0..runs {
        let bytes = changed(&mut chance, &seeds, target.words);
        let begun = Instant::now();
        let read = catch_unwind(AssertUnwindSafe(|| (target.read)(&bytes, folder.path())));
        let took = begun.elapsed();
        slowest = slowest.max(took);
        if read.is_err() || took > SLOW {
            let found = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("fuzz").join(format!("{}-{run}", target.name));
            std::fs::create_dir_all(found.parent().unwrap()).unwrap();
            std::fs::write(&found, &bytes).unwrap();
            panic!("{}: run {run} took {took:.1?} or panicked; the text is in {}", target.name, found.display());
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    println!("| {} | {} | {runs} | {seconds:.0} s | {:.1} ms |", target.name, seeds.len(), slowest.as_secs_f64() * 1e3);
}

#[test]
fn no_reader_panics_or_hangs() {
    let runs = std::env::var("FUZZ_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(3000);
    let chosen = std::env::var("FUZZ").unwrap_or_default();
    let chosen: Vec<&str> = chosen.split(',').filter(|name| !name.is_empty()).collect();
    for target in TARGETS.iter().filter(|target| chosen.is_empty() || chosen.contains(&target.name)) {
        fuzz(target, runs);
    }
}
