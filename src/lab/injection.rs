//! How the service takes in what the build stage makes: by which copies, from where and to where.

use crate::dockerfile::{DroppedCopy, InstructionKind, Source};
use crate::subject::{Subject, Target};

/// The stage that makes what the service ships, and the copies that bring it there.
pub(crate) struct Injection {
    pub(super) build: Target,
    pub(super) service: Target,
    /// The service's Dockerfile without those copies.
    pub(super) text: String,
    pub(super) dropped: Vec<DroppedCopy>,
}

impl Injection {
    /// Finds the copies; none if the service takes nothing from the build stage.
    pub(crate) fn of(subject: &Subject) -> Option<Self> {
        let service = &subject.role("service")?.target;
        let build = subject.role("build")?;
        let build = build.own.as_ref().unwrap_or(&build.target);
        let dockerfile = &service.dockerfile;
        // With a Dockerfile per role the build stage stands in the service's own file, under the same name;
        // under another one it is the only stage that the service copies from.
        let stage = dockerfile.stage(&build.stage_name());
        let copied = copied_stages(service);
        let stage = match (stage, copied.as_slice()) {
            (Some(stage), _) if copied.contains(&stage.index) => stage,
            (_, [only]) => &dockerfile.stages[*only],
            _ => return None,
        };
        let chain = dockerfile.ancestry(service.stage);
        if chain.contains(&stage.index) {
            return None;
        }
        let without = dockerfile.without_copies_from(service.stage, stage.index);
        let build = Target { stage: stage.index, ..service.clone() };
        (!without.dropped.is_empty()).then(|| Self {
            build,
            service: service.clone(),
            text: without.text,
            dropped: without.dropped,
        })
    }

    /// The stage that makes the code, as the service's Dockerfile has it.
    pub(crate) fn build(&self) -> &Target {
        &self.build
    }

    /// Where in the build stage a file of the service may come from.
    pub(crate) fn origins(&self, path: &str, workdir: &str) -> Vec<String> {
        let of = |copy: &DroppedCopy| {
            let dest = clean(&destination(copy, workdir));
            let inside = path.strip_prefix(&dest)?.trim_start_matches('/').to_owned();
            Some(copy.sources.iter().map(move |source| clean(&format!("{source}/{inside}"))).collect::<Vec<_>>())
        };
        self.dropped.iter().filter_map(of).flatten().collect()
    }

    /// Where in that stage the service takes its files from.
    pub(crate) fn sources(&self) -> Vec<String> {
        let sources = self.dropped.iter().flat_map(|copy| &copy.sources);
        let mut places: Vec<String> = sources.map(|source| place(source)).collect();
        places.sort_unstable();
        places.dedup();
        places
    }

    /// Where in the service the code is put; `workdir` is the image's.
    pub(crate) fn destinations(&self, workdir: &str) -> Vec<String> {
        self.dropped.iter().map(|copy| clean(&destination(copy, workdir))).collect()
    }
}

/// The stages that a stage, or those it is FROM, copy files from.
fn copied_stages(target: &Target) -> Vec<usize> {
    let dockerfile = &target.dockerfile;
    let stages = dockerfile.ancestry(target.stage);
    let copies = stages.iter().flat_map(|stage| &dockerfile.stages[*stage].instructions);
    let mut found: Vec<usize> = copies
        .filter_map(|instruction| match &instruction.kind {
            InstructionKind::Copy(copy) => match dockerfile.source(copy.from.as_deref()?) {
                Source::Stage(stage) => Some(stage),
                Source::Outside(_) => None,
            },
            _ => None,
        })
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// Where a copy goes; `workdir` is the image's.
pub(super) fn destination(copy: &DroppedCopy, workdir: &str) -> String {
    match &copy.absolute {
        Some(absolute) => absolute.clone(),
        None => format!("{}/{}", workdir.trim_end_matches('/'), copy.dest.trim_start_matches("./")),
    }
}

pub(crate) fn clean(path: &str) -> String {
    crate::text::join("/", path)
}

/// Where in a stage the path of a copy is.
fn place(source: &str) -> String {
    // A pattern stands for what is in the folder before it.
    let folder = match source.find(['*', '?', '[']) {
        Some(at) => source[..at].rsplit_once('/').map_or("", |(folder, _)| folder),
        None => source,
    };
    clean(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_looked_for_where_they_come_from() {
        assert_eq!(place("/out/"), "/out");
        assert_eq!(place("/app/dist/*.js"), "/app/dist");
        assert_eq!(place("target/release/orders"), "/target/release/orders");
    }

    #[test]
    fn paths_are_cleaned() {
        assert_eq!(clean("/srv/app/./"), "/srv/app");
    }
}
