//! build.

use crate::lab::injected::injected;
use crate::lab::lineage::made_from_build;
use crate::lab::{Injection, Lab};
use crate::project::Code;
use crate::subject::Target;
use crate::text::listed;
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
    Ok(fail(format!("differs from the service image: {}", listed(told, 8)))
        .expected("the same service file system from the copied and from the mounted source")
        .at(build.file.clone(), build.line())
        .rules_out("service.no-build-deps"))
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
