//! Runs of mutants: which ones, how each is judged, and the results that a later run goes on from.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex};
use std::time::{Duration, Instant};
use std::{env, fs};

use dockwright::contract;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::operators::Mutant;
use crate::runner::{Verified, place, say, side_by_side, told, turn_of_the_day, verify};
use crate::sites::{is_dockerfile, nameable};

/// How long a sample begins another decoy.
const SAMPLE: Duration = Duration::from_mins(4);

/// How one was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verdict {
    /// Caught by its contract, with the right line; or a decoy that passed.
    Right,
    /// Caught, and another line is named.
    OtherLine,
    /// Not caught.
    Missed,
    /// A decoy that failed.
    FalseAlarm,
    /// The contract could not be observed.
    Inconclusive,
    /// By all contracts: others failed, too.
    Others,
}

/// A line of the results.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Judged {
    pub(crate) name: String,
    pub(crate) digest: String,
    pub(crate) binary: String,
    pub(crate) verdict: Verdict,
    pub(crate) all: bool,
    pub(crate) found: String,
    pub(crate) seconds: u64,
}

/// What tells this build of dockwright from another.
pub(crate) static BINARY: LazyLock<String> = LazyLock::new(|| {
    let bytes = fs::read(env!("CARGO_BIN_EXE_dockwright")).expect("cargo has built it");
    hex::encode(&Sha256::digest(bytes)[..6])
});

fn results_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/mutate/results.jsonl")
}

/// The last result of each mutant, those of this binary before others.
pub(crate) fn results() -> BTreeMap<(String, String), Judged> {
    let text = fs::read_to_string(results_file()).unwrap_or_default();
    let mut results = BTreeMap::<(String, String), Judged>::new();
    for judged in text.lines().filter_map(|line| serde_json::from_str::<Judged>(line).ok()) {
        let key = (judged.name.clone(), judged.digest.clone());
        let keeps = results.get(&key).is_some_and(|old| old.binary == *BINARY && judged.binary != *BINARY);
        if !keeps {
            results.insert(key, judged);
        }
    }
    results
}

fn note(judged: &Judged) {
    static LOCK: Mutex<()> = Mutex::new(());
    let _held = LOCK.lock();
    let file = results_file();
    fs::create_dir_all(file.parent().expect("it is in target")).unwrap();
    let mut file = fs::File::options().create(true).append(true).open(file).unwrap();
    writeln!(file, "{}", serde_json::to_string(judged).expect("it is plain")).unwrap();
}

/// Those that `MUTATE` names, or all.
pub(crate) fn chosen(mutants: &[Mutant]) -> Vec<&Mutant> {
    let words = env::var("MUTATE").unwrap_or_default();
    let fits = |mutant: &Mutant| {
        words.split(',').any(|word| {
            let of = |text: &str| text.starts_with(word);
            of(&mutant.name)
                || of(mutant.contract())
                || of(&mutant.operator.subject)
                || mutant.name.contains(&format!("/{word}/"))
        })
    };
    mutants.iter().filter(|mutant| fits(mutant) && mutant.is_counted()).collect()
}

/// Verifies all that are chosen and were not verified by this binary, spread over operators and contracts, and writes the
/// table.
pub(crate) fn whole(mutants: &[Mutant]) -> Vec<String> {
    let known = results();
    let again = env::var_os("MUTATE_AGAIN").is_some();
    let new = env::var_os("MUTATE_NEW").is_some();
    let is_known = |mutant: &Mutant| {
        let judged = known.get(&(mutant.name.clone(), mutant.digest.clone()));
        !again && judged.is_some_and(|judged| judged.binary == *BINARY || new && judged.verdict == Verdict::Right)
    };
    let mut turns = BTreeMap::<&str, usize>::new();
    let mut queue: Vec<(usize, &Mutant)> = Vec::new();
    for quick in [true, false] {
        let mut of: Vec<&Mutant> =
            chosen(mutants).into_iter().filter(|mutant| mutant.scaffold.quick == quick).collect();
        // Not all of an operator's first sites in the same scaffold.
        of.sort_by(|one, other| one.digest.cmp(&other.digest));
        for mutant in of {
            let turn = turns.entry(&mutant.operator.name).or_default();
            *turn += 1;
            queue.push((*turn, mutant));
        }
    }
    queue.retain(|(_, mutant)| !is_known(mutant));
    // What no run has judged right comes first.
    let tried = fs::read_to_string(tried_file()).unwrap_or_default();
    let tried: BTreeSet<&str> = tried.lines().collect();
    queue.sort_by_key(|(turn, mutant)| (tried.contains(mutant.name.as_str()), *turn));
    let minutes = env::var("MUTATE_MINUTES").ok().and_then(|text| text.parse().ok());
    let until = minutes.map(|minutes: u64| Instant::now() + Duration::from_mins(minutes));
    say(&format!("{} to verify by {}, {} known", queue.len(), *BINARY, known.len()));
    let wrong = each(&queue.into_iter().map(|(_, mutant)| mutant).collect::<Vec<_>>(), until);
    if env::var_os("MUTATE_ALL").is_some() {
        crate::table::write(mutants);
    }
    wrong
}

/// Verifies one mutant of each contract, and decoys while there is time, by rotation: of those that a whole run has judged
/// right, so that what was never tried surprises who runs that, and nobody else.
pub(crate) fn sample(mutants: &[Mutant]) -> Vec<String> {
    let turn = turn_of_the_day();
    let tried = fs::read_to_string(tried_file()).unwrap_or_default();
    let tried: BTreeSet<&str> = tried.lines().collect();
    let known: Vec<&Mutant> =
        mutants.iter().filter(|one| one.scaffold.quick && tried.contains(one.name.as_str())).collect();
    let mut sample: Vec<&Mutant> = Vec::new();
    for contract in contract::ALL {
        let of = |one: &&&Mutant| one.operator.breaks.as_deref() == Some(contract.name) && one.is_counted();
        let of: Vec<&Mutant> = known.iter().filter(of).copied().collect();
        sample.extend(of.get(turn % of.len().max(1)).copied());
    }
    let start = Instant::now();
    let mut wrong = each(&sample, None);
    let decoys: Vec<&Mutant> = known.iter().copied().filter(|one| one.operator.breaks.is_none()).collect();
    let turned = (0..decoys.len().min(12)).map(|index| decoys[(turn * 12 + index) * 31 % decoys.len()]);
    wrong.extend(each(&turned.collect::<Vec<_>>(), Some(start + SAMPLE)));
    wrong
}

/// The names of those that a run has judged right, one a line.
pub(crate) fn tried_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mutate/tried")
}

/// Verifies each, begins none after a time, and returns what is wrong.
fn each(mutants: &[&Mutant], until: Option<Instant>) -> Vec<String> {
    let kept = env::var_os("MUTATE_KEEP").map(PathBuf::from);
    let temporary = tempfile::Builder::new().prefix("dockwright-mutate-").tempdir().unwrap();
    let folder = kept.as_deref().unwrap_or(temporary.path());
    side_by_side(mutants, |mutant, turn| {
        if until.is_some_and(|until| Instant::now() > until) {
            return Ok(());
        }
        let into = folder.join(format!("{}-{turn}", mutant.name.replace('/', "-")));
        let start = Instant::now();
        let judged = judge(mutant, &into).map_err(|why| {
            say(&format!("  ERROR {}: {why}", mutant.name));
            mutant.name.clone()
        })?;
        if kept.is_none() {
            let _ = fs::remove_dir_all(&into);
        }
        let seconds = start.elapsed().as_secs();
        let (word, rest) = match judged.verdict {
            Verdict::Right => ("ok   ", String::new()),
            _ => ("WRONG", format!(": {:?}\n{}", judged.verdict, judged.found)),
        };
        say(&format!("  {word} {} {} ({seconds} s){rest}", mutant.contract(), mutant.name));
        note(&Judged { seconds, ..judged.clone() });
        if judged.verdict == Verdict::Right { Ok(()) } else { Err(format!("{:?} {}", judged.verdict, mutant.name)) }
    })
}

/// Verifies one by its own contracts, a tenth of them by all.
fn judge(mutant: &Mutant, into: &Path) -> Result<Judged, String> {
    // The tenth rotates with the binary.
    let turn = |text: &str| text.bytes().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    let all = env::var_os("MUTATE_ALL").is_some() && turn(&format!("{}{}", mutant.digest, *BINARY)) % 10 == 0;
    let operator = mutant.operator;
    let own = mutant.contracts();
    mutant.files.write(into).map_err(told)?;
    let verified = verify(into, if all { &[] } else { &own })?;
    // An engine that fails says nothing of the project.
    if verified.code == Some(3) {
        return Err(verified.told());
    }
    let expected = operator.breaks.as_deref();
    let failed = verified.with("fail");
    let mut verdict = match expected {
        Some(contract) if failed.contains(contract) => placed(mutant, &verified, contract, into),
        Some(contract) if verified.with("inconclusive").contains(contract) => Verdict::Inconclusive,
        // What the files do not even say is refused before anything is built.
        Some("scaffold.builds") if verified.error["line"].is_u64() => Verdict::Right,
        Some(_) => Verdict::Missed,
        None if !failed.is_empty() => Verdict::FalseAlarm,
        None if !verified.with("inconclusive").is_empty() => Verdict::Inconclusive,
        None => Verdict::Right,
    };
    let unseen = if all { &mutant.scaffold.unseen[..] } else { &[] };
    if verdict == Verdict::Right && verified.error.is_null() && !flaws(&verified, expected, unseen, all).is_empty() {
        verdict = if expected.is_some() { Verdict::Others } else { Verdict::FalseAlarm };
    }
    let (name, digest) = (mutant.name.clone(), mutant.digest.clone());
    Ok(Judged { name, digest, binary: BINARY.clone(), verdict, all, found: verified.told(), seconds: 0 })
}

/// What is not as it must be; by all contracts some of another hand's are skipped, because its Dockerfile does not claim them.
fn flaws(verified: &Verified, expected: Option<&str>, unseen: &[String], all: bool) -> Vec<String> {
    let mut flaws = verified.flaws(expected, unseen);
    flaws.retain(|flaw| !(all && flaw.starts_with("skipped")));
    flaws
}

/// Whether the failure points where it should.
fn placed(mutant: &Mutant, verified: &Verified, contract: &str, folder: &Path) -> Verdict {
    let Some(finding) = verified.failure(contract) else { return Verdict::Missed };
    let (file, number, line) = place(finding, folder);
    let right = match mutant.operator.at.as_deref() {
        Some("anywhere") => true,
        Some(at) => {
            let (wanted, text) = at.split_once(": ").unwrap_or((at, ""));
            file == mutant.scaffold.named(wanted) && line.contains(text)
        }
        None => {
            let (wanted, lines) = &mutant.edited;
            let text = mutant.files.text(wanted).unwrap_or_default();
            let lines = nameable(text, *lines, is_dockerfile(wanted));
            file == *wanted && (lines.first..=lines.last).contains(&number)
        }
    };
    if right { Verdict::Right } else { Verdict::OtherLine }
}
