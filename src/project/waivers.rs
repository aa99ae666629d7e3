//! `[[verify.waivers]]`: contracts that may fail until a day.

use std::collections::BTreeSet;

use time::Date;
use time::macros::format_description;

use super::flaws::{Flaws, all, one};
use super::text::{is_line_break, refuse_control, shown};
use super::{Waiver, raw};
use crate::contract;
use crate::error::{Error, Result};
use crate::text::nearest;

/// The waivers, or nothing and what is wrong in `flaws`.
pub(super) fn check(raw: Vec<raw::Waiver>, flaws: &mut Flaws<'_>) -> Option<Vec<Waiver>> {
    let mut seen = BTreeSet::new();
    all(raw, |raw| {
        let (name, place) = raw.contract.split();
        let name = flaws.take(&place, known(name));
        let name = name.and_then(|name| flaws.take(&place, once(name, &mut seen)));
        let reason = one(raw.reason, reason, flaws);
        let (expires, place) = raw.expires.0.split();
        let line = flaws.line(&place);
        let expires = flaws.take(&place, day(&expires));
        Some(Waiver { contract: name?, reason: reason?, expires: expires?, line })
    })
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

fn once(name: String, seen: &mut BTreeSet<String>) -> Result<String> {
    if seen.insert(name.clone()) {
        return Ok(name);
    }
    Err(Error::description(format!("{name} has two waivers")).hint("keep one of the two"))
}

fn reason(text: String) -> Result<String> {
    let hint = "say in one line why it may fail, and until what is done";
    if text.trim().is_empty() {
        return Err(Error::description("the waiver has no reason").hint(hint));
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
