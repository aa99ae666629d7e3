//! Fields are settled one after the other: rules that see something become claims, and the best claim counts.

use std::cmp::Reverse;

use super::Told;
use super::claim::{Claim, Rank, sorted};
use super::probe::Sight;
use super::range::version;
use super::rules::{Band, Rule, ValueReading};
use super::scope::ServiceScope;

/// Settles every field in the order of the data.
pub(super) fn settle(scope: &mut ServiceScope<'_>, told: &Told) {
    for field in &scope.shared.order {
        if !scope.settled.contains_key(field) {
            settle_field(scope, field, told);
        }
    }
}

/// Settles one field; a field without a claim is not there.
pub(super) fn settle_field(scope: &mut ServiceScope<'_>, field: &str, told: &Told) {
    let mut claims: Vec<Claim> = told.claims(field);
    let all = [("shared", &scope.shared.rules), (scope.stack, &scope.book.rules), ("late", &scope.shared.late)];
    let mut order = 0;
    for (name, rules) in all {
        for (index, rule) in rules.iter().enumerate().filter(|(_, rule)| rule.says == field) {
            order += 1;
            let number = rules[..index].iter().filter(|other| other.says == field).count() + 1;
            apply(scope, rule, (&format!("{name}.{field}.{number}"), order), &mut claims);
        }
    }
    if field == "libraries" {
        claims.extend(libraries(scope));
    }
    // What is said of another field on the way, as a step of a release in a start command.
    claims.extend(scope.settled.remove(&spare(field)).unwrap_or_default());
    let mut claims = sorted(claims);
    // What is usual is added to no list that somebody wrote.
    if super::LISTS.contains(&field) && claims.first().is_some_and(|first| first.band > Band::Usual) {
        claims.retain(|claim| claim.band > Band::Usual);
    }
    if !claims.is_empty() {
        scope.settled.insert(field.to_owned(), claims);
    }
}

/// Where claims wait for a field that is settled later.
fn spare(field: &str) -> String {
    format!("{field} (from commands)")
}

fn apply(scope: &mut ServiceScope<'_>, rule: &Rule, (name, order): (&str, usize), claims: &mut Vec<Claim>) {
    for sight in scope.look(&rule.see, None) {
        let holds = |probe| scope.holds(probe, &sight.file);
        if !rule.and.iter().all(holds) || rule.not.iter().any(holds) {
            continue;
        }
        let text = match &rule.value {
            Some(template) => scope.filled(template, &sight),
            None => Some(sight.value.clone()),
        };
        let Some(text) = text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()) else { continue };
        let (value, release) = read(scope, rule, &text);
        let claim = |field: &str, value: String| claim(scope, rule, &sight, (name, order), (field, value));
        let steps: Vec<Claim> = release.into_iter().map(|step| claim("release", step)).collect();
        if let Some(value) = value {
            let never = [&scope.book.never, &scope.shared.never].into_iter().filter_map(|never| never.get(&rule.says));
            if !never.into_iter().any(|never| never.is_match(&value)) {
                claims.push(claim(&rule.says, value));
            }
        }
        if rule.says == "start" && !steps.is_empty() {
            scope.settled.entry(spare("release")).or_default().extend(steps);
        }
    }
}

fn claim(
    scope: &ServiceScope<'_>,
    rule: &Rule,
    sight: &Sight,
    (name, order): (&str, usize),
    (field, value): (&str, String),
) -> Claim {
    // What follows from a field is not surer than the field; what the user says makes nothing else sure.
    let band = sight.band.filter(|band| *band != Band::Told).map_or(rule.band, |band| band.min(rule.band));
    let preferred = rule.prefer.iter().position(|pattern| pattern.is_match(&value)).unwrap_or(rule.prefer.len());
    let rank = Rank {
        band: Reverse(band),
        rule: order,
        avoided: rule.avoid.iter().any(|pattern| pattern.is_match(&value)),
        preferred,
        depth: scope.inner(&sight.file).matches('/').count(),
        file: sight.file.clone(),
        line: sight.line,
    };
    Claim {
        field: field.to_owned(),
        value,
        file: sight.file.clone(),
        line: sight.line,
        rule: name.to_owned(),
        band,
        rank,
    }
}

/// A captured text as its rule reads it, and the steps of a release that stand in it.
fn read(scope: &ServiceScope<'_>, rule: &Rule, text: &str) -> (Option<String>, Vec<String>) {
    let value = match rule.reading {
        None => Some(text.to_owned()),
        Some(ValueReading::Command | ValueReading::Program) => {
            let found = scope.command(text);
            let start = found
                .start
                .map(|start| if rule.reading == Some(ValueReading::Program) { here(scope, &start) } else { start });
            return (start, found.release);
        }
        Some(ValueReading::Range) => {
            let book = scope.book;
            match book.codenames.get(&text.to_lowercase()) {
                Some(known) => Some(known.clone()),
                None => version(text, &book.versions, book.range),
            }
        }
        Some(ValueReading::Maintained) => {
            let book = scope.book;
            let kept: Vec<String> = book.versions.iter().filter(|one| !book.ended.contains(one)).cloned().collect();
            version(text, &kept, book.range)
        }
        Some(ValueReading::Port) => {
            let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
            digits.parse::<u16>().ok().filter(|port| *port > 0).map(|port| port.to_string())
        }
        Some(ValueReading::Name) => {
            let plain = text.rsplit('/').next().unwrap_or(text).to_lowercase().replace(['_', ' ', '.'], "-");
            let plain: String = plain.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
            Some(plain.trim_matches('-').to_owned()).filter(|plain| !plain.is_empty())
        }
        Some(ValueReading::Lower) => Some(text.to_lowercase()),
        Some(ValueReading::Path) => Some(format!("/{}", text.trim_start_matches('/'))),
    };
    (value, Vec::new())
}

/// A program that an image has in a folder of its own, as one that is built here.
fn here(scope: &ServiceScope<'_>, command: &str) -> String {
    const SHARED: [&str; 5] = ["/bin", "/usr/bin", "/usr/local/bin", "/sbin", "/usr/sbin"];
    let (program, rest) = command.split_once(' ').unwrap_or((command, ""));
    let (folder, name) = program.rsplit_once('/').unwrap_or((".", program));
    let built = ["binary", "name"].into_iter().any(|field| scope.value(field) == Some(name));
    let own = program.starts_with('/') && (built || !SHARED.contains(&folder));
    if own { format!("./{name} {rest}").trim().to_owned() } else { command.to_owned() }
}

/// The dependencies that are known to need packages of the system.
fn libraries(scope: &ServiceScope<'_>) -> Vec<Claim> {
    let known = crate::stacks::NAMES.first().and_then(|stack| crate::stacks::embedded().options(stack).ok());
    let known = known.map(|options| options.libraries).unwrap_or_default();
    let named = |name: &str| known.iter().find(|known| known.as_str() == name.to_lowercase());
    let dependencies = scope.dependencies().iter().filter(|one| one.kind != super::rules::DependencyKind::Dev);
    let claim = |one: &super::scope::ListedDependency| {
        let rank = Rank { band: Reverse(Band::Declared), line: one.line, ..Rank::default() };
        Some(Claim {
            field: "libraries".to_owned(),
            value: named(&one.name)?.clone(),
            file: scope.tree.path(one.file).to_owned(),
            line: one.line,
            rule: "libraries".to_owned(),
            band: Band::Declared,
            rank,
        })
    };
    dependencies.filter_map(claim).collect()
}
