//! `dockwright explain`: the roles and contracts in words.

use std::fmt::Write as _;

use serde_json::json;

use super::args::ExplainArgs;
use crate::contract::{self, Contract};
use crate::error::{Error, Result};
use crate::roles::{self, Role};
use crate::text::nearest;
use crate::ui::{BOLD, Format, Ui};

pub(super) fn run(ui: &Ui, options: &ExplainArgs) -> Result<u8> {
    match &options.what {
        None => all(ui),
        Some(what) => match (roles::find(what), contract::find(what)) {
            (Some(role), _) => one_role(ui, role),
            (None, Some(contract)) => one_contract(ui, contract),
            (None, None) => return Err(unknown(what)),
        },
    }
    Ok(0)
}

fn unknown(what: &str) -> Error {
    let known = roles::ALL.iter().map(|role| role.name).chain(contract::ALL.iter().map(|contract| contract.name));
    let near = nearest(what, known).map(|name| format!("did you mean `{name}`?"));
    let error = Error::usage(format!("`{what}` is neither a role nor a contract"));
    error.hint(near.unwrap_or("`dockwright explain` lists all roles and contracts".into()))
}

fn all(ui: &Ui) {
    if ui.format == Format::Json {
        let roles: Vec<_> = roles::ALL.iter().map(|role| role_json(role)).collect();
        let contracts: Vec<_> = contract::ALL.iter().map(contract_json).collect();
        return ui.json(&json!({ "schema": 1, "roles": roles, "contracts": contracts }));
    }
    let mut text = String::new();
    let mut group = |name: &str, summary: &str| {
        let _ = writeln!(text, "{BOLD}{name}{BOLD:#}  {summary}");
        for contract in contract::ALL.iter().filter(|contract| contract.role() == name) {
            let _ = writeln!(text, "  {:<32} {}", contract.name, contract.promise);
        }
    };
    group("scaffold", "All roles together.");
    for role in roles::ALL {
        group(role.name, role.summary);
    }
    ui.out(&text);
}

fn role_json(role: &Role) -> serde_json::Value {
    let contracts: Vec<&str> = contracts_of(role.name).map(|contract| contract.name).collect();
    json!({ "role": role.name, "summary": role.summary, "about": role.about, "contracts": contracts })
}

fn contract_json(contract: &Contract) -> serde_json::Value {
    json!({
        "contract": contract.name, "role": contract.role(), "promise": contract.promise,
        "how": contract.how, "therefore": contract.therefore, "assumes": contract.assumes,
        "fix": contract.fix, "yields_to": contract.yields_to,
    })
}

fn contracts_of(role: &str) -> impl Iterator<Item = &'static Contract> {
    contract::ALL.iter().filter(move |contract| contract.role() == role)
}

fn one_role(ui: &Ui, role: &Role) {
    if ui.format == Format::Json {
        return ui.json(&role_json(role));
    }
    let mut text = format!("{BOLD}{}{BOLD:#}\n\n{}\n\nIts contracts:\n", role.name, role.about);
    for contract in contracts_of(role.name) {
        let _ = writeln!(text, "  {:<32} {}", contract.name, contract.promise);
    }
    ui.out(&text);
}

fn one_contract(ui: &Ui, contract: &Contract) {
    if ui.format == Format::Json {
        return ui.json(&contract_json(contract));
    }
    let mut text = format!("{BOLD}{}{BOLD:#}\n\n{}\n", contract.name, contract.promise);
    let limits: Vec<String> = contract.assumes.iter().map(|limit| format!("- {limit}")).collect();
    for (heading, words) in [
        ("How it is checked", contract.how),
        ("Why that shows it", contract.therefore),
        ("What it does not see", limits.join("\n").as_str()),
        ("How to fix it", contract.fix),
    ] {
        let _ = write!(text, "\n{BOLD}{heading}{BOLD:#}\n{words}\n");
    }
    if !contract.yields_to.is_empty() {
        let _ = write!(text, "\n{BOLD}Fix these first, if they fail{BOLD:#}\n{}\n", contract.yields_to.join(", "));
    }
    ui.out(&text);
}
