//! `[[verify.waivers]]`: contracts that may fail until a day. `[[verify.unclaimed]]`: those that are not claimed at all.

use std::collections::BTreeSet;

use time::Date;
use time::macros::format_description;

use super::flaws::{Flaws, all, one};
use super::text::{is_line_break, refuse_control, shown};
use super::{Unclaimed, Waiver, raw};
use crate::contract;
use crate::error::{Error, Result};
use crate::text::nearest;

/// The waivers, or nothing and what is wrong in `flaws`.
pub(super) fn check(raw: Vec<raw::RawWaiver>, flaws: &mut Flaws<'_>) -> Option<Vec<Waiver>> {
    let mut seen = BTreeSet::new();
    all(raw, |raw| {
        let name = contract(raw.contract, &mut seen, "has two waivers", flaws);
        let reason = one(raw.reason, |text| reason(text, "waiver"), flaws);
        let (expires, place) = raw.expires.0.split();
        let line = flaws.line(&place);
        let expires = flaws.take(&place, day(&expires));
        Some(Waiver { contract: name?, reason: reason?, expires: expires?, line })
    })
}

/// The contracts that are not claimed, or nothing and what is wrong in `flaws`.
pub(super) fn unclaimed(raw: Vec<raw::RawUnclaimed>, flaws: &mut Flaws<'_>) -> Option<Vec<Unclaimed>> {
    let mut seen = BTreeSet::new();
    all(raw, |raw| {
        let name = contract(raw.contract, &mut seen, "is listed twice in [[verify.unclaimed]]", flaws);
        let reason = one(raw.reason, |text| reason(text, "unclaimed contract"), flaws);
        Some(Unclaimed { contract: name?, reason: reason? })
    })
}

/// A contract that there is, and that this list has only once; `twice` says of it that it has it again.
fn contract(raw: raw::At<String>, seen: &mut BTreeSet<String>, twice: &str, flaws: &mut Flaws<'_>) -> Option<String> {
    let (name, place) = raw.split();
    let name = flaws.take(&place, known(name))?;
    let once = if seen.insert(name.clone()) {
        Ok(name)
    } else {
        Err(Error::description(format!("{name} {twice}")).hint("keep one of the two"))
    };
    flaws.take(&place, once)
}

fn known(name: String) -> Result<String> {
    if contract::find(&name).is_some() {
        return Ok(name);
    }
    let error = Error::description(format!("there is no contract {}", shown(&name)));
    Err(match nearest(&name, contract::ALL.iter().map(|contract| contract.name)) {
        Some(near) => error.hint(format!("did you mean \"{near}\"?")),
        None => error.hint("`dockwright explain` lists all of them"),
    })
}

fn reason(text: String, what: &str) -> Result<String> {
    let hint = "say in one line why it may fail, and what will change that";
    if text.trim().is_empty() {
        return Err(Error::description(format!("the {what} has no reason")).hint(hint));
    }
    if text.contains(is_line_break) {
        return Err(Error::description("the reason contains a line break").hint(hint));
    }
    refuse_control(&text, "the reason", &['\t'])?;
    Ok(text)
}

fn day(value: &toml::Value) -> Result<Date> {
    let text = match value {
        toml::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    Date::parse(&text, format_description!("[year]-[month]-[day]")).map_err(|_| {
        Error::description(format!("{} is not a date", shown(&text)))
            .hint("write year, month and day, as in expires = \"2027-01-31\"")
    })
}
