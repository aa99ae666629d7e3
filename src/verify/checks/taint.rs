//! `service.no-deployment-env` and `service.no-secret`: what one tainted build of the service shows.

use std::collections::BTreeSet;

use crate::engine::{self, ImageInfo};
use crate::lab::leavings::{is_foreign, is_test};
use crate::lab::lineage::base_of;
use crate::lab::taint::{
    Leaks, Taint, Taints, WordLeak, is_distinct, is_literal, is_secret_name, service_leaks, written,
};
use crate::lab::{Lab, blame};
use crate::subject::RoleSubject;
use crate::text::Place;
use crate::verify::stop::Checked;
use crate::verify::verdict::{Verdict, fail, inconclusive, pass, skipped};

/// `service.no-deployment-env`.
pub(super) async fn no_deployment_env(lab: &Lab) -> Checked {
    let role = lab.role("service")?;
    let image = lab.image("service")?;
    let declared = Taints::declared(lab).all;
    // What the service itself is declared to have is no deployment's, whatever deployments declare alike.
    let of_service = &lab.subject.project.roles.service.settings.env;
    let same = |taint: &Taint| {
        of_service.iter().any(|(name, value)| name.as_str() == taint.name && taint.value() == Some(value.as_ref()))
    };
    let values: Vec<&Taint> = declared.iter().filter(|taint| !taint.is_secret() && !same(taint)).collect();
    if values.is_empty() {
        return Ok(skipped("no deployment declares a variable"));
    }
    if let Some(verdict) = literal(lab, role, image, &values).await? {
        return Ok(verdict.by_itself());
    }
    let leaks = service_leaks(lab).await?;
    if let Some(why) = &leaks.unseen {
        return Ok(inconclusive(why.clone()));
    }
    let secrets: BTreeSet<&Place> = told(&leaks, true).iter().map(|leak| &leak.by).collect();
    let found: Vec<&WordLeak> = told(&leaks, false).into_iter().filter(|leak| !same(&leak.taint)).collect();
    Ok(match found.iter().find(|leak| !secrets.contains(&leak.by)) {
        Some(leak) => leaked(leak).by_itself(),
        // What brings secrets, too, is one defect with that.
        None if !found.is_empty() => leaked(found[0]),
        None => {
            let names: Vec<&str> = values.iter().map(|taint| taint.name.as_str()).collect();
            pass(format!("none of {} reaches a layer, the configuration or the history", names.join(", ")))
        }
    })
}

/// `service.no-secret`.
pub(super) async fn no_secret(lab: &Lab) -> Checked {
    let role = lab.role("service")?;
    let image = lab.image("service")?;
    if let Some(verdict) = literal_secret(lab, role, image).await? {
        return Ok(verdict);
    }
    let leaks = service_leaks(lab).await?;
    if let Some(leak) = told(&leaks, true).first() {
        return Ok(leaked(leak));
    }
    if let Some(why) = leaks.unseen.as_ref().or(leaks.unseen_secrets.as_ref()) {
        return Ok(inconclusive(why.clone()).hint(
            "let the build go on without its secrets where it can, so that dockwright can see what it does with them",
        ));
    }
    // A test's own is service.no-build-deps' to find.
    if let Some(note) = written(lab, role, image, is_foreign, is_test).await? {
        let expected = "a secret comes at run time, as a file; what a build needs of one comes by a build secret";
        return Ok(fail(format!("{} is written down in {} of the service image", note.what, note.part))
            .expected(expected)
            .at_place(&note.by));
    }
    let count = leaks.taints.iter().filter(|taint| taint.is_secret()).count();
    Ok(pass(format!(
        "none of {count} secrets (declared ones, and the usual secret files) reaches a layer, the configuration or the history, \
         and none is written down there"
    )))
}

/// The words of one kind that came to light, in files first: what is there says most.
fn told(leaks: &Leaks, secret: bool) -> Vec<&WordLeak> {
    let mut found: Vec<&WordLeak> = leaks.found.iter().filter(|leak| leak.taint.is_secret() == secret).collect();
    found.sort_by_key(|leak| matches!(leak.place, engine::ImagePart::Config { .. }));
    found
}

fn leaked(leak: &WordLeak) -> Verdict {
    fail(format!("{} is in {} of the service image", leak.taint.shown(), leak.place)).at_place(&leak.by)
}

/// The declared values themselves, in the service's configuration, but for what its base image or its stack has anyway.
async fn literal(lab: &Lab, role: &RoleSubject, image: &ImageInfo, values: &[&Taint]) -> Checked<Option<Verdict>> {
    let base = base_of(lab, role).await?;
    let of_stack = lab.subject.project.stack.as_ref().map(|stack| &stack.env);
    for taint in values {
        let Some(value) = taint.value() else { continue };
        let set = |image: &ImageInfo| image.config.env_value(&taint.name) == Some(value);
        let usual = of_stack.and_then(|env| env.get(&taint.name)).is_some_and(|own| own.text() == value);
        if set(image) && !usual && !base.as_ref().is_some_and(set) {
            let place = blame::variable(&role.target, &taint.name);
            let what = format!("{} has the deployment's value in the service image", taint.name);
            return Ok(Some(fail(what).at_place(&place)));
        }
        // A label is nothing but that value: no program needs a word of its own there.
        let of_base = |name: &String| base.as_ref().and_then(|base| base.config.labels.get(name));
        let mut labels = image.config.labels.iter();
        if is_word(value)
            && let Some((name, _)) = labels.find(|(name, own)| own.as_str() == value && of_base(name) != Some(*own))
        {
            let what = format!("the label {name} is the deployment's value of {} in the service image", taint.name);
            return Ok(Some(fail(what).at_place(&blame::label(&role.target, name))));
        }
    }
    // The same under another name, where the value is not a word that stands there by chance.
    let literal: Vec<&Taint> = values.iter().filter(|taint| taint.value().is_some_and(is_distinct)).copied().collect();
    if literal.is_empty() {
        return Ok(None);
    }
    let needles: Vec<Vec<u8>> =
        literal.iter().filter_map(|taint| taint.value()).map(|value| value.as_bytes().to_vec()).collect();
    let hits = lab.engine().search_image(&image.id, &needles).await?;
    let found = hits.iter().find(|hit| matches!(hit.place, engine::ImagePart::Config { .. }));
    Ok(found.map(|hit| {
        let taint = literal[hit.needle];
        let place = blame::value(&role.target, taint.value().unwrap_or_default());
        let place = place.unwrap_or_else(|| blame::variable(&role.target, &taint.name));
        fail(format!("the deployment's value of {} is in {} of the service image", taint.name, hit.place))
            .at_place(&place)
    }))
}

/// Whether a value says more than a number or a switch does.
fn is_word(value: &str) -> bool {
    value.len() >= 4 && is_literal(value)
}

/// A variable of a secret's name that the image sets to a value of its own: no word can stand for what is written there.
async fn literal_secret(lab: &Lab, role: &RoleSubject, image: &ImageInfo) -> Checked<Option<Verdict>> {
    let declared: BTreeSet<String> =
        Taints::declared(lab).all.into_iter().filter(Taint::is_secret).map(|taint| taint.name).collect();
    let mut set = image.config.env.iter().filter(|(name, value)| {
        declared.contains(name) && !value.is_empty() || is_secret_name(name) && is_literal(value)
    });
    let Some((name, _)) = set.next() else { return Ok(None) };
    // What the outside image brings is not this project's.
    if let Some(base) = role.target.base_image()
        && lab.engine().image_exists(&base).await?
        && lab.engine().image(&base).await?.config.env_value(name) == image.config.env_value(name)
    {
        return Ok(None);
    }
    Ok(Some(
        fail(format!("{name} has a value of its own in the configuration of the service image"))
            .expected("a secret comes at run time, as a file that a variable names")
            .at_place(&blame::variable(&role.target, name)),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secrets_own_value_is_told_from_what_is_about_it() {
        assert!(is_literal("hunter2") && is_literal("sk-live-0815"));
        assert!(is_word("production") && !is_word("true") && !is_word("8080") && !is_word("eu"));
        for about in ["", "/run/secrets/token", "file:///run/x", "true", "None", "3600", "./token"] {
            assert!(!is_literal(about), "{about}");
        }
    }
}
