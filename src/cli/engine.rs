//! `dockwright doctor` and `dockwright clean`: the engine, and what runs left on it.

use std::fmt::Write as _;

use serde_json::json;

use super::args::CleanArgs;
use super::scope;
use crate::engine::{Engine, Leftover};
use crate::error::{Error, Result};
use crate::lab::workcopy;
use crate::ui::{BOLD, DIM, Format, GREEN, RED, Ui, YELLOW};

/// What an engine can do, and what that is needed for.
struct Ability {
    there: bool,
    name: &'static str,
    without: &'static str,
}

pub(super) fn doctor(ui: &Ui) -> Result<u8> {
    let (info, disk, leftovers) = scope::runtime()?.block_on(async {
        let engine = Engine::connect().await?;
        let look = async {
            let disk = engine.disk_usage().await.ok();
            Ok::<_, Error>((engine.info().clone(), disk, engine.leftovers(false).await?))
        };
        scope::while_it_answers(&engine, Box::pin(look)).await
    })?;
    let abilities = [
        Ability { there: info.buildkit, name: "BuildKit", without: "builds are slower, and RUN --mount may not work" },
        Ability {
            there: info.local,
            name: "on this machine",
            without: "it cannot mount this machine's folders, so dev's contracts are inconclusive",
        },
        Ability { there: !info.rootless && !info.userns, name: "plain user ids", without: "dev.owner is inconclusive" },
    ];
    if ui.format == Format::Json {
        let abilities: Vec<_> = abilities.iter().map(|one| json!({ "name": one.name, "there": one.there })).collect();
        ui.json(&json!({ "schema": 1, "engine": info, "abilities": abilities, "disk": disk, "leftovers": leftovers }));
        return Ok(0);
    }
    let mut text = format!(
        "{BOLD}{:?} {}{BOLD:#} at {}\n  API {}, {} {}, storage {}{}, {} processors, {} GB of memory\n",
        info.product,
        info.version,
        info.address,
        info.api_version,
        info.os,
        info.arch,
        info.storage_driver,
        if info.containerd_store { " (containerd's image store)" } else { "" },
        info.cpus,
        info.memory / 1_000_000_000
    );
    for ability in abilities {
        let _ = if ability.there {
            writeln!(text, "  {GREEN}yes{GREEN:#} {}", ability.name)
        } else {
            writeln!(text, "  {YELLOW}no{YELLOW:#}  {}: {}", ability.name, ability.without)
        };
    }
    for warning in &info.warnings {
        let _ = writeln!(text, "  {YELLOW}the engine warns{YELLOW:#}: {warning}");
    }
    let _ = match leftovers.len() {
        0 => writeln!(text, "  earlier runs left nothing behind"),
        count => writeln!(text, "  killed runs left {count} things behind: `dockwright clean` removes them"),
    };
    ui.out(&text);
    Ok(0)
}

pub(super) fn clean(ui: &Ui, options: &CleanArgs) -> Result<u8> {
    let copies = workcopy::sweep(options.dry_run);
    let (removed, failed) = scope::runtime()?.block_on(async {
        let engine = Engine::connect().await?;
        let removal = async {
            let leftovers = engine.leftovers(options.all).await?;
            if options.dry_run {
                return Ok::<_, Error>((leftovers, Vec::new()));
            }
            let swept = engine.remove(leftovers).await;
            Ok((swept.removed, swept.failed))
        };
        scope::while_it_answers(&engine, Box::pin(removal)).await
    })?;
    if ui.format == Format::Json {
        let failed: Vec<_> = failed.iter().map(|(what, why)| json!({ "what": what, "why": why })).collect();
        ui.json(&json!({
            "schema": 1, "removed": removed, "failed": failed, "copies": copies, "dry_run": options.dry_run
        }));
    } else {
        let mut text = String::new();
        for Leftover { kind, name, run, .. } in &removed {
            let _ = writeln!(text, "{kind:?} {name} {DIM}of run {run}{DIM:#}");
        }
        for (what, why) in &failed {
            let _ = writeln!(text, "{RED}still there{RED:#}: {:?} {}: {why}", what.kind, what.name);
        }
        ui.out(&text);
        let verb = if options.dry_run { "Would remove" } else { "Removed" };
        let count = removed.len();
        ui.say(&format!(
            "{verb} {count} things on the engine and {copies} copies of projects that killed runs left behind.\n"
        ));
    }
    Ok(if failed.is_empty() { 0 } else { 3 })
}
