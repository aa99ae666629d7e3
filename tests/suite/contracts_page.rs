//! docs/CONTRACTS.md is written from the contracts' own words; `DOCKWRIGHT_BLESS=1` writes it anew.

use std::fmt::Write as _;

use dockwright::contract;

use super::support::repository;

const HEAD: &str = "# Contracts

What `dockwright verify` proves, in the words that `dockwright explain CONTRACT` prints; written from `src/contract/` by a test.
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
            "\n### {}\n\n{}\n\n*How it is checked.* {}\n\n*How to fix it.* {}\n",
            one.name, one.promise, one.how, one.fix
        );
        if !one.yields_to.is_empty() {
            let links: Vec<String> =
                one.yields_to.iter().map(|name| format!("[`{name}`](#{})", anchor(name))).collect();
            let _ = write!(text, "\n*Fix these first, if they fail.* {}.\n", links.join(", "));
        }
    }
    text
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
