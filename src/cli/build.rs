//! `dockwright build`: the service image, by a copy of the source or from the mounted source.

use std::path::Path;

use serde_json::json;

use super::args::{Args, BuildArgs, SourceArg};
use super::scope::EngineScope;
use super::trust;
use crate::engine::EngineRun;
use crate::error::{Error, Result};
use crate::gate;
use crate::lab::{self, Injection, images, inject};
use crate::subject::Subject;
use crate::ui::{Format, Ui};

pub(super) fn run(ui: &Ui, args: &Args, options: &BuildArgs) -> Result<u8> {
    let mut scope = EngineScope::new()?;
    let project = super::project(args)?;
    let tag = options.tag.clone().unwrap_or_else(|| format!("{}:latest", project.service.name));
    let source = args.project.canonicalize().map_err(|error| Error::io("cannot find", &args.project, error))?;
    let env = super::environment(&args.project);
    let (mut subject, asks) = scope.compute({
        let source = source.clone();
        move || {
            let subject = Subject::read(&source, project, &lab::workcopy::with_owner(env.clone()))?;
            let asks = gate::asks(&subject, &env);
            Ok((subject, asks))
        }
    })?;
    let withheld = trust::pass(*ui, &options.trust, &source, &asks)?;
    gate::withhold(&mut subject.compose, &withheld);
    if options.dry_run {
        ui.say(&format!("Would build the service image of {} and tag it {tag}.\n", source.display()));
        return Ok(0);
    }
    let how = options.source;
    let named = tag.clone();
    let image = scope.with_run("build", async move |run| {
        let image = match how {
            SourceArg::Copy => copied(&run, &subject).await?,
            SourceArg::Mount => mounted(&run, &subject, &source).await?,
        };
        // A name of the user's own, so that the image stays when the run's are removed.
        run.engine().tag(&image, &named).await?;
        Ok(image)
    })?;
    match ui.format {
        Format::Json => ui.json(&json!({ "schema": 1, "image": image, "tag": tag })),
        Format::Human => {
            ui.out(&format!("{image}\n"));
            ui.say(&format!("Built the service image {tag}.\n"));
        }
    }
    Ok(0)
}

/// Builds the service image out of a copy of the source; returns its id.
async fn copied(run: &EngineRun, subject: &Subject) -> Result<String> {
    let service = subject.role("service").ok_or_else(|| Error::description("there is no service role"))?;
    let text = service.target.dockerfile.text.clone();
    let image = images::build_text(run, &service.target, text, "service").await?;
    image.map(|image| image.id).map_err(Error::description)
}

/// Builds the service image out of the mounted source, injecting what the builder makes; returns its id.
async fn mounted(run: &EngineRun, subject: &Subject, source: &Path) -> Result<String> {
    let no_injection =
        || Error::description("the service stage copies nothing from the build stage, so there is nothing to inject");
    let injection = Injection::of(subject).ok_or_else(no_injection)?;
    let (image, _) = inject::service_image(run, subject, source, &injection).await?;
    Ok(image.id)
}
