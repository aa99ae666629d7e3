//! docs/MUTATION.md: what was verified, by contract and by operator, and every miss.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use dockwright::contract;

use crate::operators::{Mutant, OPERATORS, SCAFFOLDS};
use crate::run::{BINARY, Judged, Verdict, results, tried_file};

/// How many there are, were verified, were right, and were caught with another line.
#[derive(Default)]
struct Score {
    made: usize,
    run: usize,
    right: usize,
    other_line: usize,
}

impl Score {
    fn add(&mut self, judged: Option<&Judged>) {
        self.made += 1;
        let Some(judged) = judged else { return };
        self.run += 1;
        self.right += usize::from(judged.verdict == Verdict::Right);
        self.other_line += usize::from(judged.verdict == Verdict::OtherLine);
    }

    fn row(&self) -> String {
        format!("{} | {} | {} | {}", self.made, self.run, self.right + self.other_line, self.right)
    }
}

/// Writes the page from the results that there are.
pub(crate) fn write(mutants: &[Mutant]) {
    let results = results();
    let judged = |mutant: &Mutant| results.get(&(mutant.name.clone(), mutant.digest.clone()));
    let mut contracts = BTreeMap::<&str, (Score, Score)>::new();
    let mut operators = BTreeMap::<&str, Score>::new();
    let (mut mutants_score, mut decoys_score, mut earlier, mut by_all) = (Score::default(), Score::default(), 0, 0);
    let (mut wrong, mut equivalent) = (String::new(), String::new());
    let mut limits = BTreeMap::<&str, (&str, usize)>::new();
    for mutant in mutants {
        if let Some(limit) = &mutant.operator.limit {
            limits.entry(&mutant.operator.name).or_insert((limit, 0)).1 += 1;
            continue;
        }
        if let Some(reason) = mutant.equivalent() {
            let _ = writeln!(equivalent, "- `{}`: {reason}", mutant.name);
            continue;
        }
        let result = judged(mutant);
        operators.entry(&mutant.operator.name).or_default().add(result);
        let decoy = mutant.operator.breaks.is_none();
        if decoy { &mut decoys_score } else { &mut mutants_score }.add(result);
        for name in mutant.operator.breaks.iter().chain(&mutant.operator.passes) {
            let both = contracts.entry(name).or_default();
            if decoy { &mut both.1 } else { &mut both.0 }.add(result);
        }
        let Some(result) = result else { continue };
        earlier += usize::from(result.binary != *BINARY);
        by_all += usize::from(result.all);
        if result.verdict != Verdict::Right {
            let first = result.found.lines().next().unwrap_or_default().trim().replace('|', "\\|");
            let what = told(result.verdict);
            let _ = writeln!(wrong, "| `{}` | {} | {what} | {first} |", mutant.name, mutant.contract());
        }
    }
    let before = fs::read_to_string(tried_file()).unwrap_or_default();
    let tried: BTreeSet<&str> = before.lines().collect();
    let only_tried = mutants.iter().filter(|one| judged(one).is_none() && tried.contains(one.name.as_str())).count();
    let mut page = String::from("# Mutation\n\n");
    let _ = writeln!(
        page,
        "What operators (`tests/mutate/operators/`) make of every scaffold, and what `dockwright verify` says of it. A \
         mutant\nbreaks one contract, a decoy is unusual and breaks none. Written by a run of\n`MUTATE_ALL=1 cargo test --test \
         mutate --locked -- --nocapture`, which goes on where it was interrupted.\n"
    );
    let _ = writeln!(
        page,
        "{} operators and {} scaffolds make {} mutants and {} decoys. Verified: {} mutants, of which {} were caught by \
         the right\ncontract, {} of these with the right file and line; {} decoys, of which {} passed. {earlier} of these \
         results are of an\nearlier build, {by_all} are of a run of all contracts. {only_tried} more were judged right by runs whose results are not kept \
         (`tests/mutate/tried`).\nWhat was not verified is no result.\n",
        OPERATORS.len(),
        SCAFFOLDS.len(),
        mutants_score.made,
        decoys_score.made,
        mutants_score.run,
        mutants_score.right + mutants_score.other_line,
        mutants_score.right,
        decoys_score.run,
        decoys_score.right,
    );
    page.push_str(
        "## By contract\n\n| contract | mutants | verified | caught | right line | decoys | verified | passed |\n",
    );
    page.push_str("| --- | --- | --- | --- | --- | --- | --- | --- |\n");
    for one in contract::ALL.iter().map(|contract| contract.name) {
        let Some((broken, fine)) = contracts.get(one) else { continue };
        let _ = writeln!(page, "| {one} | {} | {} | {} | {} |", broken.row(), fine.made, fine.run, fine.right);
    }
    page.push_str("\n## Misses\n\n");
    if wrong.is_empty() {
        page.push_str("None of what was verified.\n");
    } else {
        let _ =
            write!(page, "| mutant | contract | what is wrong | what was found |\n| --- | --- | --- | --- |\n{wrong}");
    }
    page.push_str("\n## Equivalent\n\nNobody can tell these from the original, so they are not counted.\n\n");
    page.push_str(if equivalent.is_empty() { "None.\n" } else { &equivalent });
    page.push_str("\n## Limits\n\nThese break a promise, and their contract says that it does not see them.\n\n");
    for (name, (limit, count)) in &limits {
        let _ = writeln!(page, "- `{name}` ({count}): {limit}");
    }
    page.push_str("\n## By operator\n\n| operator | breaks | made | verified | caught or passed | right line |\n");
    page.push_str("| --- | --- | --- | --- | --- | --- |\n");
    for operator in OPERATORS.iter() {
        let Some(score) = operators.get(operator.name.as_str()) else { continue };
        let breaks = operator.breaks.as_deref().unwrap_or("(decoy)");
        let _ = writeln!(
            page,
            "| {}: {} | {breaks} | {} |",
            operator.name,
            operator.why.trim_end_matches('.'),
            score.row()
        );
    }
    fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/MUTATION.md"), page).unwrap();
    keep_tried(mutants, &judged, &tried);
}

/// A verdict that is not right, for people.
fn told(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Missed => "not caught",
        Verdict::OtherLine => "another line",
        Verdict::FalseAlarm => "fails, and is right",
        Verdict::Inconclusive => "inconclusive",
        _ => "other contracts fail, too",
    }
}

/// Writes the names of those that were judged right, now or before.
fn keep_tried<'a>(mutants: &[Mutant], judged: &dyn Fn(&Mutant) -> Option<&'a Judged>, tried: &BTreeSet<&str>) {
    let is_right = |mutant: &&Mutant| match judged(mutant) {
        Some(judged) => judged.verdict == Verdict::Right,
        None => tried.contains(mutant.name.as_str()),
    };
    let mut names: Vec<&str> = mutants.iter().filter(is_right).map(|mutant| mutant.name.as_str()).collect();
    names.sort_unstable();
    fs::write(tried_file(), names.join("\n") + "\n").unwrap();
}
