//! dev-tools.

use std::time::Duration;

use crate::verify::bench::{Bench, Checked};
use crate::verify::outcome::{fail, pass, skipped};

/// How long a tool may take to show that it runs.
const SHOWS: Duration = Duration::from_mins(1);

/// `dev-tools.present`.
pub(super) async fn present(bench: &Bench) -> Checked {
    let role = bench.role("dev-tools")?;
    let tools = &bench.subject.project.roles.dev_tools.tools;
    if tools.is_empty() {
        return Ok(skipped("no tool is declared in [roles.dev-tools.tools]"));
    }
    let scene = bench.start(role, |_| {}).await?;
    let mut missing = Vec::new();
    let mut log = Vec::new();
    for tool in tools {
        let command: Vec<&str> = tool.shows.words().iter().map(String::as_str).collect();
        let Ok(done) = tokio::time::timeout(SHOWS, scene.container.exec(&command, None, &[])).await else {
            missing.push(format!("{} (`{}` did not end within {} s)", tool.name, command.join(" "), SHOWS.as_secs()));
            continue;
        };
        match done {
            Ok(done) if done.exit_code == 0 => {}
            Ok(done) => {
                missing.push(format!(
                    "{} (`{}` ended with exit code {})",
                    tool.name,
                    command.join(" "),
                    done.exit_code
                ));
                log.extend(done.output.lines().map(ToOwned::to_owned));
            }
            Err(error) => {
                let state = scene.container.inspect().await?;
                if !state.running {
                    log = scene.log().await;
                    scene.end().await;
                    let what = format!("dev-tools does not stay up: it ended with exit code {}", state.exit_code);
                    return Ok(fail(what).at(role.target.file.clone(), role.target.line()).log(log));
                }
                missing.push(format!("{} ({})", tool.name, error.causes().join(": ")));
            }
        }
    }
    scene.end().await;
    Ok(if missing.is_empty() {
        let names: Vec<String> = tools.iter().map(|tool| tool.name.to_string()).collect();
        pass(format!("{} run", names.join(", ")))
    } else {
        fail(format!("not there, or not running: {}", missing.join(", ")))
            .at(role.target.file.clone(), role.target.line())
            .log(log)
    })
}
