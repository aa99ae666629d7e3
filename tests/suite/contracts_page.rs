//! docs/CONTRACTS.md is written from the contracts' own words; `DOCKWRIGHT_BLESS=1` writes it anew.

use std::fmt::Write as _;

use dockwright::contract;

use super::support::repository;

const HEAD: &str = "# Contracts

What `dockwright verify` proves, by what it looks at, why that shows it, and what it does not see: in the words that
`dockwright explain CONTRACT` prints, written from `src/contract/` by a test. The scaffolds that each contract is tried with
are in `tests/mutants/`.
The names are public interface: JUnit's cases, SARIF's rules and the JSON document use them.
";

fn page() -> String {
    let mut text = HEAD.to_owned();
    let mut role = "";
    for one in contract::ALL {
        if one.role() != role {
            role = one.role();
            let _ = write!(text, "\n## {role}\n\n| contract | promise |\n| --- | --- |\n");
            for other in contract::ALL.iter().filter(|other| other.role() == role) {
                let _ = writeln!(text, "| [`{}`](#{}) | {} |", other.name, anchor(other.name), cell(other.promise));
            }
        }
        let _ = write!(
            text,
            "\n### {}\n\n{}\n\n*How it is checked.* {}\n\n*Why that shows it.* {}\n\n*What it does not see.*\n",
            one.name, one.promise, one.how, one.therefore
        );
        for limit in one.assumes {
            let _ = write!(text, "\n- {limit}");
        }
        let _ = writeln!(text, "\n\n*How to fix it.* {}", one.fix);
        let (broken, correct) = controls(one.name);
        for (what, controls) in [("Broken scaffolds that it fails", broken), ("Unusual ones that it passes", correct)] {
            let _ = writeln!(text, "\n*{what}.* {}", controls.join(" "));
        }
        if !one.yields_to.is_empty() {
            let links: Vec<String> =
                one.yields_to.iter().map(|name| format!("[`{name}`](#{})", anchor(name))).collect();
            let _ = write!(text, "\n*Fix these first, if they fail.* {}.\n", links.join(", "));
        }
    }
    text
}

/// Why each of a contract's mutants is broken, and each decoy is not, as `tests/mutants` has it.
fn controls(contract: &str) -> (Vec<String>, Vec<String>) {
    let folder = repository().join("tests/mutants").join(contract);
    let names = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path().join("mutant.toml"));
    let mut files: Vec<_> = names.collect();
    files.sort();
    let tables = files.iter().map(|file| std::fs::read_to_string(file).unwrap().parse::<toml::Table>().unwrap());
    let (broken, correct): (Vec<_>, Vec<_>) = tables.partition(|table| table.contains_key("expect"));
    let [broken, correct] =
        [broken, correct].map(|tables| tables.iter().map(|table| table["why"].as_str().unwrap().to_owned()).collect());
    (broken, correct)
}

/// As GitHub makes it of a heading.
fn anchor(heading: &str) -> String {
    heading.replace('.', "")
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[test]
fn the_page_of_contracts_is_what_they_say() {
    let path = repository().join("docs/CONTRACTS.md");
    let expected = page();
    if std::env::var_os("DOCKWRIGHT_BLESS").is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == expected, "docs/CONTRACTS.md is not up to date: DOCKWRIGHT_BLESS=1 cargo nextest run contracts");
}
