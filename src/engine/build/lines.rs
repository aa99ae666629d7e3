//! From the instruction that failed to its line in the Dockerfile.

use parse_dockerfile::Instruction;

use super::BuildFailure;

/// Adds the line, if it can be told.
pub(super) fn locate(failure: &mut BuildFailure, dockerfile: &str) {
    failure.line = stated(&failure.message).or_else(|| found(failure, dockerfile));
}

/// The name of a Dockerfile's only stage; none if it has several.
pub(super) fn only_stage(dockerfile: &str) -> Option<String> {
    let parsed = parse_dockerfile::parse(dockerfile).ok()?;
    let mut stages = parsed.stages();
    let (first, None) = (stages.next()?, stages.next()) else { return None };
    Some(first.from.as_.as_ref().map_or_else(|| "stage-0".to_owned(), |(_, name)| name.value.to_lowercase()))
}

/// Errors of the Dockerfile's own grammar name the line.
fn stated(message: &str) -> Option<usize> {
    let (_, rest) = message.split_once("parse error")?;
    let (_, rest) = rest.split_once("line ")?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// An instruction of the Dockerfile that makes a step.
struct Candidate<'a> {
    stage: String,
    keyword: &'static str,
    text: &'a str,
    line: usize,
}

fn found(failure: &BuildFailure, dockerfile: &str) -> Option<usize> {
    let shown = failure.instruction.as_deref()?;
    let keyword = shown.split_whitespace().next()?;
    let candidates = candidates(dockerfile)?;
    let fits = |candidate: &&Candidate| {
        candidate.keyword.eq_ignore_ascii_case(keyword)
            && failure.stage.as_deref().is_none_or(|stage| stage.eq_ignore_ascii_case(&candidate.stage))
    };
    // The engine shows the instruction on one line and with its variables filled in: the most alike is it.
    let shown = squeezed(shown);
    let best = candidates.iter().filter(fits).max_by(|a, b| {
        let alike = |candidate: &Candidate| strsim::sorensen_dice(&shown, &squeezed(candidate.text));
        alike(a).total_cmp(&alike(b)).then(b.line.cmp(&a.line))
    });
    if let Some(best) = best {
        return Some(best.line);
    }
    // Loading a base image's description is no step of a stage, but names the image.
    let image = failure.instruction.as_deref()?.strip_prefix("[internal] load metadata for ")?;
    candidates
        .iter()
        .find(|candidate| candidate.keyword == "FROM" && names(candidate.text, image))
        .map(|from| from.line)
}

fn names(from: &str, image: &str) -> bool {
    let image = image.strip_prefix("docker.io/").unwrap_or(image);
    let image = image.strip_prefix("library/").unwrap_or(image);
    let short = image.strip_suffix(":latest").unwrap_or(image);
    from.split_whitespace().any(|word| word.ends_with(image) || word.ends_with(short))
}

/// Every instruction that can be a step. Where the Dockerfile cannot be parsed there is none.
fn candidates(dockerfile: &str) -> Option<Vec<Candidate<'_>>> {
    let parsed = parse_dockerfile::parse(dockerfile).ok()?;
    let mut found = Vec::new();
    for (number, stage) in parsed.stages().enumerate() {
        let name =
            stage.from.as_.as_ref().map_or_else(|| format!("stage-{number}"), |(_, name)| name.value.to_string());
        let mut add = |keyword, start: usize| {
            let text = logical_line(&dockerfile[start..]);
            let line = dockerfile[..start].matches('\n').count() + 1;
            found.push(Candidate { stage: name.to_lowercase(), keyword, text, line });
        };
        add("FROM", stage.from.from.span.start);
        for instruction in stage.instructions {
            match instruction {
                Instruction::Run(run) => add("RUN", run.run.span.start),
                Instruction::Copy(copy) => add("COPY", copy.copy.span.start),
                Instruction::Add(one) => add("ADD", one.add.span.start),
                Instruction::Workdir(workdir) => add("WORKDIR", workdir.workdir.span.start),
                _ => {}
            }
        }
    }
    Some(found)
}

/// The text's first line with all that continue it.
fn logical_line(text: &str) -> &str {
    let mut end = 0;
    for line in text.split_inclusive('\n') {
        end += line.len();
        let line = line.trim();
        // Comments and empty lines do not end an instruction that goes on.
        if !(line.ends_with('\\') || (end > line.len() + 1 && (line.starts_with('#') || line.is_empty()))) {
            break;
        }
    }
    text[..end].trim_end()
}

/// Without line ends, comments between the lines, and differences in spaces.
fn squeezed(text: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    let joined = lines.map(|line| line.trim_end_matches('\\')).collect::<Vec<_>>().join(" ");
    joined.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCKERFILE: &str = "ARG V=3\nFROM python:$V AS dev\nWORKDIR /app\nRUN pip install a \\\n    # why\n    b\n\nFROM dev AS test\nRUN pip install c\nRUN pip install c --more $V\n";

    fn line(stage: Option<&str>, instruction: &str, message: &str) -> Option<usize> {
        let mut failure = BuildFailure {
            message: message.into(),
            instruction: Some(instruction.into()),
            stage: stage.map(str::to_owned),
            ..Default::default()
        };
        locate(&mut failure, DOCKERFILE);
        failure.line
    }

    #[test]
    fn the_failing_line_is_found() {
        assert_eq!(line(Some("dev"), "RUN pip install a     b", ""), Some(4));
        assert_eq!(line(Some("test"), "RUN pip install c", ""), Some(9));
        assert_eq!(line(Some("test"), "RUN pip install c --more 3", ""), Some(10));
        assert_eq!(line(Some("dev"), "WORKDIR /app", ""), Some(3));
        assert_eq!(line(Some("dev"), "FROM docker.io/library/python:3", ""), Some(2));
        assert_eq!(line(None, "x", "dockerfile parse error on line 7: unknown instruction: RUNN"), Some(7));
    }

    #[test]
    fn an_unknown_base_image_is_found_by_its_name() {
        let mut failure = BuildFailure {
            instruction: Some("[internal] load metadata for docker.io/library/nowhere:1".into()),
            ..Default::default()
        };
        locate(&mut failure, "FROM scratch\nFROM nowhere:1 AS x\n");
        assert_eq!(failure.line, Some(2));
    }
}
