use std::path::Path;

use super::*;

fn parsed(text: &str) -> Dockerfile {
    parse(text, Path::new("Dockerfile")).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn index(dockerfile: &Dockerfile, name: &str) -> usize {
    dockerfile.require_stage(name).unwrap().index
}

const ROLES: &str = r#"# syntax=docker/dockerfile:1
# A word about it all.

ARG PY=3.13
FROM python:${PY}-slim AS dev
WORKDIR /app
ENV PATH=/opt/venv/bin:$PATH
COPY requirements.txt ./
RUN pip install -r requirements.txt

# The editor.
FROM dev AS dev-tools
RUN apt-get install -y vim

FROM dev AS build
ARG MODE=release
COPY --from=ghcr.io/astral-sh/uv:0.5 /uv /bin/
COPY . .
WORKDIR sub
ENV PATH=/x:$PATH MODE2=${MODE}
USER 1000
RUN --mount=type=cache,target=/c make $MODE
RUN ["make", "check"]

FROM dev AS service
# The code.
COPY --from=build --chown=app:app --chmod=0555 \
     /app/dist \
     # a comment between
     ./dist/
COPY --from=2 /app/extra /srv
CMD ["python", "-m", "app"]

FROM service AS test
COPY --from=dev-tools /usr/bin/vim /usr/bin/
"#;

#[test]
fn the_roles_are_read() {
    let file = parsed(ROLES);
    let names: Vec<_> = file.stages.iter().map(|stage| stage.name.as_deref().unwrap()).collect();
    assert_eq!(names, ["dev", "dev-tools", "build", "service", "test"]);
    assert_eq!(file.stages[0].base, StageBase::Image("python:3.13-slim".to_owned()));
    assert_eq!(file.stages[3].base, StageBase::Stage(0));
    let service = file.stage("SERVICE").unwrap();
    let InstructionKind::Copy(copy) = &service.instructions[0].kind else { panic!() };
    assert_eq!(copy.sources, ["/app/dist"]);
    assert_eq!(copy.dest, "./dist/");
    assert_eq!(copy.chmod.as_deref(), Some("0555"));
    let lines = (service.instructions[0].line, service.instructions[0].end_line);
    assert_eq!(ROLES.lines().nth(lines.0 - 1), Some("COPY --from=build --chown=app:app --chmod=0555 \\"));
    assert_eq!(lines.1 - lines.0, 3);
    assert!(service.instructions[0].text.ends_with("./dist/\n"));
}

#[test]
fn closures_follow_from_copy_and_mount() {
    let file = parsed(ROLES);
    for (stage, needs) in [
        ("dev", vec![0]),
        ("dev-tools", vec![0, 1]),
        ("build", vec![0, 2]),
        ("service", vec![0, 2, 3]),
        ("test", vec![0, 1, 2, 3, 4]),
    ] {
        assert_eq!(file.closure(index(&file, stage)), needs, "{stage}");
    }
    let images: Vec<_> = file.outside_images(3).into_iter().map(|image| (image.image, image.line)).collect();
    assert_eq!(images, [("python:3.13-slim".to_owned(), 5), ("ghcr.io/astral-sh/uv:0.5".to_owned(), 17)]);
    let mounted = parsed("FROM a AS x\nFROM b\nRUN --mount=from=X,target=/t true\n");
    assert_eq!(mounted.closure(1), [0, 1]);
    let image = parsed("FROM b\nRUN --mount=type=bind,from=img:1,target=/t true\n");
    assert_eq!(image.outside_images(0)[1].image, "img:1");
}

#[test]
fn a_missing_stage_lists_those_there_are() {
    let file = parsed(ROLES);
    let error = file.require_stage("servce").unwrap_err();
    assert_eq!(error.to_string(), "Dockerfile: the Dockerfile has no stage `servce`");
    assert_eq!(error.hints(), ["did you mean `service`?", "its stages are dev, dev-tools, build, service, test"]);
}

#[test]
fn copies_from_a_stage_can_be_left_out() {
    let file = parsed(ROLES);
    let service = index(&file, "service");
    let without = file.without_copies_from(service, index(&file, "build"));
    let kept: Vec<_> = without.text.lines().collect();
    assert_eq!(kept.len(), ROLES.lines().count());
    let expected: Vec<_> = ROLES
        .lines()
        .map(|line| {
            let keep = ["# syntax", "# A word", "ARG PY", "FROM python", "FROM dev AS service", "CMD"];
            let dev = ["WORKDIR /app", "ENV PATH=/opt", "COPY req", "RUN pip"];
            if keep.iter().chain(&dev).any(|start| line.starts_with(start)) { line } else { "" }
        })
        .collect();
    assert_eq!(kept, expected);
    let dropped: Vec<_> = without
        .dropped
        .iter()
        .map(|copy| (copy.sources.join(","), copy.absolute.clone().unwrap(), copy.chown.as_deref()))
        .collect();
    assert_eq!(
        dropped,
        [
            ("/app/dist".to_owned(), "/app/dist/".to_owned(), Some("app:app")),
            ("/app/extra".to_owned(), "/srv".to_owned(), None),
        ]
    );
    // What is copied in a stage that the service is FROM is left out too.
    let below = parsed("FROM a AS build\nFROM b AS x\nCOPY --from=build /a rel\nFROM x AS y\n");
    let without = below.without_copies_from(2, 0);
    assert_eq!(without.text, "\nFROM b AS x\n\nFROM x AS y\n");
    assert_eq!((without.dropped[0].dest.as_str(), &without.dropped[0].absolute), ("rel", &None));
}

#[test]
fn a_stage_can_be_cut_before_its_source() {
    let file = parsed(ROLES);
    let cut = file.truncated_before_source(index(&file, "build"));
    assert_eq!(cut.cut, Some(18));
    assert!(cut.text.contains("COPY --from=ghcr.io") && !cut.text.contains("COPY . ."));
    assert!(!cut.text.contains("make") && !cut.text.contains("service"));
    assert_eq!(cut.runs.len(), 2);
    let run = &cut.runs[0];
    assert_eq!(run.run.command, CommandForm::Shell("make $MODE".to_owned()));
    assert_eq!(run.workdir.as_deref(), Some("sub"));
    assert_eq!(run.user.as_deref(), Some("1000"));
    assert_eq!(run.env["PATH"], "/x:${PATH}");
    assert_eq!(run.env["MODE2"], "release");
    assert_eq!(run.args["MODE"], "release");
    assert_eq!(cut.runs[1].run.command, CommandForm::Exec(vec!["make".into(), "check".into()]));

    let none = parsed("FROM a\nRUN b\n").truncated_before_source(0);
    assert_eq!((none.cut, none.runs.len(), none.text.as_str()), (None, 0, "FROM a\nRUN b\n"));
    let script =
        "FROM a AS d\nCOPY s /\nFROM d\nRUN --mount=type=bind,source=lock,target=/l x\nRUN --mount=target=. b\n";
    assert_eq!(parsed(script).truncated_before_source(1).cut, Some(5));
    let mounted =
        parsed("FROM a\nSHELL [\"bash\", \"-c\"]\nRUN a\nRUN --mount=target=. b\n").truncated_before_source(0);
    assert_eq!((mounted.cut, mounted.runs.len()), (Some(4), 1));
    assert_eq!(mounted.runs[0].shell.as_deref().unwrap(), ["bash", "-c"]);
    let others = parsed("FROM z AS o\nFROM a\nCOPY . .\nCOPY --from=o /x /y\nRUN b\n").truncated_before_source(1);
    assert_eq!(others.others.len(), 1);
    assert_eq!(others.text, "\nFROM a\n\n\n\n");
}

#[test]
fn a_split_file_keeps_lines_and_numbers() {
    let text = "FROM a AS x\nRUN 1\nFROM b AS y\nRUN 2\nFROM c AS z\nCOPY --from=1 /a /b\nRUN --mount=from=1,target=/t --mount=type=cache,target=/c x\n";
    let file = parsed(text);
    assert_eq!(
        file.split_closure(2),
        "\n\nFROM b AS y\nRUN 2\nFROM c AS z\nCOPY --from=0 /a /b\nRUN --mount=from=0,target=/t --mount=type=cache,target=/c x\n"
    );
    parsed(&file.split_closure(2));
    let crlf = parsed("\u{feff}FROM a AS x\r\nFROM b AS y\r\nRUN c\r\n");
    assert_eq!(crlf.split_closure(1), "\r\nFROM b AS y\r\nRUN c\r\n");
}

#[test]
fn heredocs_are_part_of_their_instruction() {
    let file = parsed(
        "FROM a\nRUN <<EOF cat && cat <<-'TWO'\nFROM no\nEOF\n\tlast\n\tTWO\nCOPY <<a.txt <<b.txt /d/\n1 $X\na.txt\n2\nb.txt\nRUN echo $((1<<2)) <<<x\n",
    );
    let [run, copy, plain] = file.stages[0].instructions.as_slice() else { panic!() };
    let InstructionKind::Run(inner) = &run.kind else { panic!() };
    assert_eq!((run.line, run.end_line), (2, 6));
    assert_eq!(inner.heredocs[0].content, "FROM no\n");
    assert!(inner.heredocs[0].expand && !inner.heredocs[1].expand);
    assert_eq!(inner.heredocs[1].content, "last\n");
    let InstructionKind::Copy(files) = &copy.kind else { panic!() };
    assert_eq!((files.sources.len(), files.heredocs.len(), files.dest.as_str()), (0, 2, "/d/"));
    assert_eq!(plain.line, 12);
}

#[test]
fn unusual_but_right_files_are_read() {
    for (text, stages, instructions) in [
        ("from a as B\nrun c\n", 1, 1),
        ("# escape=`\nFROM a\nRUN dir c:\\ && `\n  more\nRUN x\n", 1, 2),
        ("# comment\n# escape=`\nFROM a\nRUN b \\\n c\n", 1, 1),
        ("FROM a\nRUN b \\\n\n  # c\n  d\nUSER x\n", 1, 2),
        ("FROM a\nENV A 1 2 3\nENV B=\"x y\" C=z\nLABEL a=b\n", 1, 3),
        ("FROM a\nONBUILD COPY . /x\nONBUILD RUN y\n", 1, 2),
        ("FROM a\nHEALTHCHECK --interval=3s CMD x\nHEALTHCHECK NONE\n", 1, 2),
        ("FROM a\nRUN [ -d x ] && y\nRUN b\\\\\nRUN c\n", 1, 3),
        ("FROM a\nCOPY [\"a b\", \"c\"]\n", 1, 1),
        ("FROM a AS x\nFROM b AS x\n", 2, 0),
        ("FROM a AS scratch\nFROM scratch AS context\n", 2, 0),
        ("FROM\ta \\\n AS x\nRUN\tb", 1, 1),
    ] {
        let file = parsed(text);
        let count: usize = file.stages.iter().map(|stage| stage.instructions.len()).sum();
        assert_eq!((file.stages.len(), count), (stages, instructions), "{text}");
    }
    let twice = parsed("FROM a AS x\nFROM b AS X\nFROM x\n");
    assert_eq!((twice.duplicates().count(), twice.stage("x").unwrap().index), (1, 1));
    assert_eq!(twice.stages[2].base, StageBase::Stage(1));
}

#[test]
fn wrong_files_are_refused_with_their_line() {
    for (text, line, says) in [
        ("", 1, "no FROM"),
        ("RUN a\nFROM b\n", 1, "before FROM"),
        ("FROM a\nRUNN b\n", 2, "unknown instruction `RUNN`"),
        ("FROM a AS 1x\n", 1, "cannot be a stage's name"),
        ("FROM a AS x\nFROM b\nCOPY --from=$S a b\n", 3, "a variable is not allowed"),
        ("FROM a AS x\nRUN --mount=from=$S,target=/t a\n", 2, "a variable is not allowed"),
        ("FROM a\nCOPY --from=y a b\nFROM b AS y\n", 2, "no stage before"),
        ("FROM a AS y\nCOPY --from=y a b\n", 2, "no stage before"),
        ("FROM a\nFROM b\nCOPY --from=7 a b\n", 3, "no stage before"),
        ("FROM a AS 0\n", 1, "cannot be a stage's name"),
        ("FROM a b\n", 1, "FROM is not understood"),
        ("FROM a\nCOPY x\n", 2, "COPY needs"),
        ("FROM a\nCOPY --fron=x a b\n", 2, "no flag `--fron`"),
        ("FROM a\nRUN <<E\nx\n", 2, "heredoc `E` is not closed"),
        ("FROM a\nSHELL bash\n", 2, "JSON array"),
        ("FROM a\nENV A=1 B\n", 2, "has no `=`"),
        ("FROM a\nONBUILD FROM b\n", 2, "after ONBUILD"),
        ("# escape=x\nFROM a\n", 1, "escape directive"),
        ("FROM a\n\n\nHEALTHCHECK what\n", 4, "HEALTHCHECK"),
    ] {
        let error = parse(text, Path::new("Dockerfile")).unwrap_err();
        assert!(error.message().contains(says), "{text:?}: {error}");
        assert_eq!(error.location().unwrap().line, Some(line), "{text:?}");
    }
}

#[test]
fn a_trigger_is_an_instruction_of_the_stages_from_its_own() {
    let file = parsed("FROM a AS b\nONBUILD COPY --from=x:latest y /y\nUSER 1\nFROM b AS c\nUSER 2\nFROM c\nUSER 3\n");
    let told = |index: usize| -> Vec<(usize, bool)> {
        let instructions = file.stages[index].instructions.iter();
        instructions.map(|one| (one.line, matches!(one.kind, InstructionKind::Copy(_)))).collect()
    };
    assert_eq!(told(0), [(2, false), (3, false)]);
    assert_eq!(told(1), [(2, true), (5, false)]);
    assert_eq!(told(2), [(7, false)]);
}

/// As `BuildKit` of Docker 28 reads them.
#[test]
fn what_buildkit_takes_is_taken() {
    for (text, instructions) in [
        ("# escape=\nFROM a\nRUN b \\\n c\n", 1),
        ("FROM a\nRUN\nENTRYPOINT\nCMD\n", 3),
        ("FROM a\nRUN cat << EOF > /x\nFROM no\nEOF\nRUN b\n", 2),
        ("FROM a\nRUN cat 3<< 'EOF'\nFROM no\nEOF\nRUN b\n", 2),
        ("FROM a\nRUN cat <<\nRUN b\n", 2),
        ("FROM a\nRUN echo 'a << b'\nRUN b\n", 2),
    ] {
        assert_eq!(parsed(text).stages[0].instructions.len(), instructions, "{text}");
    }
}

#[test]
fn files_that_are_no_dockerfiles_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("Dockerfile");
    let says = |path: &Path| read(path).unwrap_err();
    assert!(says(&path).message().contains("cannot read"));
    assert!(says(dir.path()).message().contains("not a file"));
    for (bytes, message) in
        [(b"FROM a\nRUN \xff\n".to_vec(), "not UTF-8"), (vec![b'#'; 2 * 1024 * 1024], "larger than 1 MiB")]
    {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file, &bytes).unwrap();
        let error = says(file.path());
        assert!(error.message().contains(message), "{error}");
    }
}

/// Where the crate parse-dockerfile reads a file, it reads the same stages and instructions.
#[test]
fn agrees_with_another_parser() {
    for text in [ROLES, "FROM a\nRUN <<EOF\nx\nEOF\n", "ARG A\nFROM b AS c\nENV X=1 Y=2\nCMD x\n"] {
        let theirs = parse_dockerfile::parse(text).unwrap();
        let ours = parsed(text);
        let count =
            |stages: &[DockerfileStage]| stages.iter().map(|stage| stage.instructions.len()).collect::<Vec<_>>();
        assert_eq!(theirs.stages().map(|stage| stage.instructions.len()).collect::<Vec<_>>(), count(&ours.stages));
        for (theirs, ours) in theirs.stages().zip(&ours.stages) {
            assert_eq!(theirs.from.image.value, ours.raw_base);
            let name = theirs.from.as_.as_ref().map(|(_, name)| name.value.to_string());
            assert_eq!(name, ours.name);
        }
    }
}

#[test]
fn a_stage_without_a_name_gets_one_and_lines_stay() {
    let text = "FROM a AS one\nRUN x\nfrom b:1\r\nCOPY --from=0 /x /x\nFROM scratch\n";
    let named = parse(text, "Dockerfile".as_ref()).unwrap().with_named_stages();
    assert_eq!(
        named.text,
        "FROM a AS one\nRUN x\nfrom b:1 AS stage-1\r\nCOPY --from=0 /x /x\nFROM scratch AS stage-2\n"
    );
    let names: Vec<Option<&str>> = named.stages.iter().map(|stage| stage.name.as_deref()).collect();
    assert_eq!(names, [Some("one"), Some("stage-1"), Some("stage-2")]);
}
