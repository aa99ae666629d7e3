//! `dockwright build`: the service image, by a copy of the source or from the mounted source.

use serde_json::json;

use super::args::{Args, BuildArgs, SourceArg};
use super::scope;
use crate::error::{Error, Result};
use crate::ui::{Format, Ui};
use crate::verify::{self, Request};

pub(super) fn run(ui: &Ui, args: &Args, options: &BuildArgs) -> Result<u8> {
    let project = super::project(args)?;
    let tag = options.tag.clone().unwrap_or_else(|| format!("{}:latest", project.service.name));
    let request = Request {
        folder: args.project.clone(),
        project,
        only: vec!["service".into()],
        fresh: false,
        build_only: true,
        env: super::environment(),
        now: super::now(),
    };
    let plan = verify::plan(&request)?;
    let source = args.project.canonicalize().map_err(|error| Error::io("cannot find", &args.project, error))?;
    if options.dry_run {
        ui.say(&format!("Would build the service image of {} and tag it {tag}.\n", source.display()));
        return Ok(0);
    }
    let image = scope::with_run("build", async |run| {
        let image = match options.source {
            SourceArg::Copy => verify::build_copied(&plan, &run).await?,
            SourceArg::Mount => verify::build_mounted(&plan, &run, &source).await?,
        };
        // A name of the user's own, so that the image stays when the run's are removed.
        run.engine().tag(&image, &tag).await?;
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
