//! From a step as a builder shows it to its line in the Dockerfile.

use super::model::{Dockerfile, DockerfileStage, InstructionKind};

impl Dockerfile {
    /// The line of the instruction that a builder shows as `shown`, on one line and with its variables filled in: the most
    /// alike. `stage` is the stage's name as the builder has it, `stage-N` for one without; none if it is not known.
    #[must_use]
    pub fn line_of_step(&self, stage: Option<&str>, shown: &str) -> Option<usize> {
        // Loading a base image's description is no step of a stage, but names the image.
        if let Some(image) = shown.strip_prefix("[internal] load metadata for ") {
            let stage = self.stages.iter().find(|stage| names(&stage.raw_base, image)).map(|stage| stage.line);
            let all = || self.stages.iter().flat_map(|stage| &stage.instructions);
            return stage.or_else(|| Some(all().find(|one| takes_from(&one.kind, image))?.line));
        }
        let keyword = shown.split_whitespace().next()?;
        let stages = self.stages.iter().filter(|one| stage.is_none_or(|name| is_called(one, name)));
        let shown = squeezed(shown);
        let alike = |text: &str| strsim::sorensen_dice(&shown, &squeezed(text));
        let steps = stages.flat_map(|stage| {
            let from = ("FROM", stage.line, stage.raw_base.as_str());
            let own =
                stage.instructions.iter().filter_map(|one| Some((keyword_of(&one.kind)?, one.line, one.text.as_str())));
            std::iter::once(from).chain(own)
        });
        let fitting = steps.filter(|(own, ..)| own.eq_ignore_ascii_case(keyword));
        let best = fitting.max_by(|(_, line, text), (_, other_line, other)| {
            alike(text).total_cmp(&alike(other)).then(other_line.cmp(line))
        });
        best.map(|(_, line, _)| line)
    }
}

/// The instructions that are a builder's steps.
fn keyword_of(kind: &InstructionKind) -> Option<&'static str> {
    match kind {
        InstructionKind::Run(_) => Some("RUN"),
        InstructionKind::Copy(_) => Some("COPY"),
        InstructionKind::Add(_) => Some("ADD"),
        InstructionKind::Workdir(_) => Some("WORKDIR"),
        _ => None,
    }
}

/// By its name, or by its number: the builder leaves the name of a lone stage out.
fn is_called(stage: &DockerfileStage, name: &str) -> bool {
    let by_name = stage.name.as_ref().is_some_and(|own| own.eq_ignore_ascii_case(name));
    by_name || name.strip_prefix("stage-").is_some_and(|index| index == stage.index.to_string())
}

/// Whether what stands behind FROM is an image that the builder shows by its whole name.
fn names(from: &str, image: &str) -> bool {
    let image = image.strip_prefix("docker.io/").unwrap_or(image);
    let image = image.strip_prefix("library/").unwrap_or(image);
    let short = image.strip_suffix(":latest").unwrap_or(image);
    from.ends_with(image) || from.ends_with(short)
}

/// Whether an instruction takes files out of an image that the builder shows by its whole name.
fn takes_from(kind: &InstructionKind, image: &str) -> bool {
    match kind {
        InstructionKind::Copy(copy) | InstructionKind::Add(copy) => {
            copy.from.as_deref().is_some_and(|from| names(from, image))
        }
        InstructionKind::Run(run) => {
            run.mounts.iter().any(|mount| mount.from.as_deref().is_some_and(|from| names(from, image)))
        }
        _ => false,
    }
}

/// Without line ends, comments between the lines, and differences in spaces.
fn squeezed(text: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    let joined = lines.map(|line| line.trim_end_matches('\\')).collect::<Vec<_>>().join(" ");
    joined.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::parse;

    const DOCKERFILE: &str = "ARG V=3\nFROM python:$V AS dev\nWORKDIR /app\nRUN pip install a \\\n    # why\n    b\n\nFROM dev AS test\nRUN pip install c\nRUN pip install c --more $V\nFROM scratch\nCOPY . .\n";

    #[test]
    fn the_line_of_a_step_is_found() {
        let dockerfile = parse(DOCKERFILE, Path::new("Dockerfile")).unwrap();
        for (stage, shown, line) in [
            (Some("dev"), "RUN pip install a     b", Some(4)),
            (Some("test"), "RUN pip install c", Some(9)),
            (Some("test"), "RUN pip install c --more 3", Some(10)),
            (None, "RUN pip install c --more 3", Some(10)),
            (Some("dev"), "WORKDIR /app", Some(3)),
            (Some("dev"), "FROM docker.io/library/python:3", Some(2)),
            (Some("stage-2"), "COPY . .", Some(12)),
            (Some("stage-0"), "COPY . .", None),
            (Some("stage-0"), "WORKDIR /app", Some(3)),
            (Some("dev"), "exporting to image", None),
        ] {
            assert_eq!(dockerfile.line_of_step(stage, shown), line, "{shown}");
        }
    }

    #[test]
    fn an_unknown_base_image_is_found_by_its_name() {
        let dockerfile = parse("FROM scratch\nFROM nowhere:1 AS x\n", Path::new("Dockerfile")).unwrap();
        let shown = "[internal] load metadata for docker.io/library/nowhere:1";
        assert_eq!(dockerfile.line_of_step(None, shown), Some(2));
        let text = "FROM scratch\nCOPY --from=biuld /out /\nRUN --mount=from=a.example/tool:1,target=/t /t/x\n";
        let dockerfile = parse(text, Path::new("Dockerfile")).unwrap();
        let line = |image: &str| dockerfile.line_of_step(None, &format!("[internal] load metadata for {image}"));
        assert_eq!(line("docker.io/library/biuld:latest"), Some(2));
        assert_eq!(line("a.example/tool:1"), Some(3));
    }
}
