//! build.

use crate::lab::injected::injected;
use crate::lab::lineage::made_from_build;
use crate::lab::{Injection, Lab, blame, written};
use crate::project::Code;
use crate::subject::Target;
use crate::text::{Place, listed};
use crate::verify::stop::Checked;
use crate::verify::verdict::{Verdict, fail, pass};

/// `build.inject-equal`.
pub(super) async fn inject_equal(lab: &Lab) -> Checked {
    let service = lab.role("service")?;
    let build = lab.role("build")?;
    let build = build.own.as_ref().unwrap_or(&build.target);
    if lab.subject.project.roles.service.code != Code::Mounted {
        lab.image("service")?;
        lab.image("build")?;
        if Injection::of(&lab.subject).is_none() {
            return Ok(not_taken(lab, &service.target, build));
        }
    }
    let injected = injected(lab).await?;
    if injected.is_same() {
        let files = injected.files;
        return Ok(pass(format!("{files} files are the same, whichever way the code came")));
    }
    let mut told: Vec<String> = injected.changes.iter().map(ToString::to_string).collect();
    told.extend(injected.config.then(|| "the image's configuration differs".to_owned()));
    let place = made_by(lab, build, injected.changes.first().map(|change| change.path.as_str())).await;
    Ok(fail(format!("it differs from the service image: {}", listed(told, 8)))
        .expected("the same service file system from the copied and from the mounted source")
        .at_place(&place.unwrap_or_else(|| build.place(build.line())))
        .rules_out("service.no-build-deps"))
}

/// The instruction of the build that made what the service has at a path.
async fn made_by(lab: &Lab, build: &Target, path: Option<&str>) -> Option<Place> {
    let image = lab.image("build").ok()?;
    let origins = Injection::of(&lab.subject)?.origins(path?, &lab.image("service").ok()?.config.working_dir);
    for origin in &origins {
        if let Some(place) = written::by_layer(lab, build, image, origin).await {
            return Some(place);
        }
    }
    // What only the mounted source makes is in no layer.
    let named = |origin: &String| blame::naming(build, origin).or_else(|| blame::naming(build, name_of(origin)));
    origins.iter().find_map(named)
}

/// The last part of a path.
fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The service takes nothing from the build stage by a copy.
fn not_taken(lab: &Lab, service: &Target, build: &Target) -> Verdict {
    let stage = build.stage_name();
    let verdict = fail(format!("the service stage copies nothing from the stage {stage}"))
        .expected(format!("the service takes the built code by COPY --from={stage}"))
        .at_place(&service.place(service.line()));
    // One that is made from the build as a whole takes the code with all the rest.
    if made_from_build(lab).is_some() { verdict } else { verdict.by_itself() }
}
