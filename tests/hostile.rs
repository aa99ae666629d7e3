//! What an attacker can put into a repository, as data: `tests/hostile/inputs/*.toml` need no engine, each is a scaffold with
//! hostile files, or many of them (`each`). dockwright, or one of its readers, gets it under limits of time, memory and files
//! written. `HOSTILE=names,yaml` runs only those whose file's name holds one of these texts; `HOSTILE_TELL=1` prints what each
//! took. `tests/hostile/exploits` need an engine: see `hostile/exploits.rs`.
#![expect(clippy::disallowed_methods, clippy::disallowed_macros, reason = "tests write folders and print")]
#![cfg(target_os = "linux")]

#[path = "hostile/exploits.rs"]
mod exploits;
#[path = "hostile/input.rs"]
mod input;
#[path = "hostile/readers.rs"]
mod readers;
#[path = "hostile/watch.rs"]
mod watch;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use input::Input;
use watch::Arena;

/// What an input may take.
const TIME: Duration = Duration::from_secs(5);
const MEMORY: u64 = 400 << 20;

/// Not a line of the host's files, and no value of its environment, is ever printed.
const CANARIES: &[&str] = &["canary-of-a-file", "canary-of-the-environment"];

#[test]
fn hostile_inputs_take_little_and_touch_nothing() {
    let inputs = input::all("inputs");
    let chosen = std::env::var("HOSTILE").unwrap_or_default();
    let chosen: Vec<&str> = chosen.split(',').filter(|name| !name.is_empty()).collect();
    let inputs: Vec<Input> = inputs
        .into_iter()
        .filter(|one| chosen.is_empty() || chosen.iter().any(|name| one.name.contains(name)))
        .collect();
    assert!(!chosen.is_empty() || inputs.len() >= 400, "there are {} inputs", inputs.len());
    let scaffold = watch::scaffold();
    let (next, slowest, largest) = (AtomicUsize::new(0), Mutex::new((Duration::ZERO, "")), Mutex::new((0, "")));
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(one) = inputs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    match tried(one, scaffold.path(), TIME) {
                        Ok((took, memory)) => {
                            if std::env::var_os("HOSTILE_TELL").is_some() {
                                println!("{:>7} ms {:>4} MiB {}", took.as_millis(), memory >> 20, one.name);
                            }
                            let mut slowest = slowest.lock().unwrap();
                            *slowest = (*slowest).max((took, &one.name));
                            let mut largest = largest.lock().unwrap();
                            *largest = (*largest).max((memory, &one.name));
                        }
                        Err(why) => failures.lock().unwrap().push(format!("{} ({}): {why}", one.name, one.why)),
                    }
                }
            });
        }
    });
    let ((slow, by), (large, of)) = (slowest.into_inner().unwrap(), largest.into_inner().unwrap());
    println!("{} hostile inputs: at most {slow:.1?} ({by}) and {} MiB ({of})", inputs.len(), large >> 20);
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), inputs.len(), failures.join("\n"));
}

/// Does to an input all that it is for; returns the longest time and the most memory.
fn tried(input: &Input, scaffold: &std::path::Path, time: Duration) -> Result<(Duration, u64), String> {
    let (mut longest, mut most) = (Duration::ZERO, 0);
    let arena = Arena::new();
    input.lay_out(&arena, scaffold)?;
    let before = arena.inventory();
    for command in input.commands() {
        let ran = arena.run(&command, &input.env, time * 3);
        let told = format!("{}{}", ran.out, ran.err);
        let shown = || format!("`{}`: exit code {:?}, {}", command.join(" "), ran.code, tail(&told));
        if ran.took > time {
            return Err(format!("took {:.1?}; {}", ran.took, shown()));
        }
        if ran.memory > MEMORY {
            return Err(format!("took {} MiB; {}", ran.memory >> 20, shown()));
        }
        if !ran.code.is_some_and(|code| input.exits.contains(&code)) {
            return Err(format!("{}, and not {:?}", shown(), input.exits));
        }
        if let Some(text) = input.says.as_ref().filter(|text| !told.contains(text.as_str())) {
            return Err(format!("does not say {text:?}: {}", shown()));
        }
        let never = CANARIES.iter().copied().chain(input.never.iter().map(String::as_str));
        if let Some(text) = never.into_iter().find(|text| told.contains(text)) {
            return Err(format!("says {text:?}: {}", shown()));
        }
        if let Some(line) = told.lines().find(|line| is_command(line)) {
            return Err(format!("a terminal or a runner would act on {line:?}"));
        }
        (longest, most) = (longest.max(ran.took), most.max(ran.memory));
    }
    let after = arena.inventory();
    if before != after {
        let changed: Vec<_> = before.symmetric_difference(&after).take(4).collect();
        return Err(format!("wrote or removed {changed:?}"));
    }
    Ok((longest, most))
}

fn is_command(line: &str) -> bool {
    line.trim_start().starts_with("::") || line.contains("##[") || line.contains("##vso[") || line.contains('\u{1b}')
}

fn tail(text: &str) -> String {
    let from = text.len().saturating_sub(600);
    text[text.floor_char_boundary(from)..].to_owned()
}

/// Not a test: what the one above starts of itself to have a reader in a process of its own.
#[test]
#[ignore = "started by the test of the inputs"]
fn reader() {
    readers::read();
}
