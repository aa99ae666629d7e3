//! Builds: outcomes, events, failures, cancellation.

use std::path::Path;
use std::time::{Duration, Instant};

use dockwright::engine::{
    BuildContext, BuildEvent, BuildFailure, BuildOutcome, BuildRequest, ContainerSpec, WalkOptions,
};

use super::{BASE, build, built, engine, finish, fresh};

/// The line to blame: the engine's own word, or where the Dockerfile has the step that it names.
fn line(failure: &BuildFailure, dockerfile: &str) -> Option<usize> {
    let read = || dockwright::dockerfile::parse(dockerfile, Path::new("Dockerfile")).ok();
    failure.line.or_else(|| read()?.line_of_step(failure.stage.as_deref(), failure.instruction.as_deref()?))
}

#[tokio::test]
async fn a_build_gives_an_image_and_its_steps() {
    let Some(engine) = engine().await else { return };
    let run = engine.run("test");
    let context = BuildContext::empty().with_file("src/hello", fresh(), 0o640);
    let dockerfile = format!(
        "FROM {BASE} AS one\nCOPY src /src\nRUN echo log-{} && cat /src/hello\nFROM one AS two\nENV A=b\n",
        fresh()
    );
    let (outcome, events) = build(&run, BuildRequest::new("Dev Tools", &context, &dockerfile).target("one")).await;
    let BuildOutcome::Built { image_id } = outcome else { panic!("{outcome:#?}") };
    assert!(image_id.starts_with("sha256:"));
    let done = |event: &BuildEvent| matches!(event, BuildEvent::StepDone { step, .. } if step.stage.as_deref() == Some("one") && step.name.contains("RUN echo"));
    assert!(events.iter().any(done), "{events:#?}");
    assert!(events.iter().any(|event| matches!(event, BuildEvent::Log { line, .. } if line.contains("log-"))));
    assert!(events.iter().any(|event| matches!(event, BuildEvent::ContextSent { bytes } if *bytes > 0)));
    // Again: all from the cache.
    let (outcome, events) = build(&run, BuildRequest::new("again", &context, &dockerfile).target("one")).await;
    assert_eq!(outcome.image_id(), Some(image_id.as_str()));
    assert!(
        events.iter().any(|event| matches!(event, BuildEvent::StepCached(step) if step.name.contains("RUN echo"))),
        "{events:#?}"
    );
    finish(&run).await;
}

#[tokio::test]
async fn a_failing_command_is_told_with_line_code_and_log() {
    let Some(engine) = engine().await else { return };
    let run = engine.run("test");
    let dockerfile = format!(
        "FROM {BASE} AS dev\n# {}\nRUN true\nRUN echo before \\\n && echo the-last-words >&2 \\\n && exit 42\n",
        fresh()
    );
    let (outcome, events) = build(&run, BuildRequest::new("x", &BuildContext::empty(), &dockerfile)).await;
    let BuildOutcome::Failed(failure) = outcome else { panic!("{outcome:#?}") };
    assert_eq!(failure.exit_code, Some(42), "{failure:#?} {events:#?}");
    assert_eq!(line(&failure, &dockerfile), Some(4), "{failure:#?}");
    // BuildKit leaves the name of a lone stage out.
    assert_eq!(failure.stage.as_deref(), Some("stage-0"), "{failure:#?}");
    assert!(failure.instruction.as_deref().unwrap().starts_with("RUN echo before"));
    assert!(failure.log_tail.iter().any(|line| line.contains("the-last-words")), "{failure:#?}");
    finish(&run).await;
}

#[tokio::test]
async fn other_failures_are_told_with_their_line() {
    let Some(engine) = engine().await else { return };
    let run = engine.run("test");
    for (dockerfile, expected) in [
        (format!("FROM {BASE}\nRUN true\nRUNN x\n"), Some(3)),
        (format!("FROM {BASE}\nCOPY nothing /here\n"), Some(2)),
        ("FROM scratch AS a\nFROM localhost:9/nowhere:1 AS b\n".to_owned(), Some(2)),
    ] {
        let (outcome, events) =
            build(&run, BuildRequest::new("x", &BuildContext::empty().with_file("a", "b", 0o644), &dockerfile)).await;
        let BuildOutcome::Failed(failure) = outcome else { panic!("{outcome:#?}") };
        assert!(!failure.message.is_empty());
        if engine.info().buildkit {
            assert_eq!(line(&failure, &dockerfile), expected, "{dockerfile}{failure:#?}{events:#?}");
        }
    }
    let (outcome, _) =
        build(&run, BuildRequest::new("x", &BuildContext::empty(), format!("FROM {BASE}\n")).target("none")).await;
    let BuildOutcome::Failed(failure) = outcome else { panic!("{outcome:#?}") };
    assert!(failure.message.contains("none"), "{failure:#?}");
    finish(&run).await;
}

#[tokio::test]
async fn targets_built_at_once_share_their_stages() {
    let Some(engine) = engine().await else { return };
    if !engine.info().buildkit {
        return;
    }
    let run = engine.run("test");
    let unique = fresh();
    let dockerfile = format!(
        "FROM {BASE} AS base\nCOPY a /a\nRUN sleep 1 && date +%N-{unique} > /stamp\n{}",
        ["b", "c", "d", "e"].map(|name| format!("FROM base AS {name}\nRUN echo {name} > /own\n")).concat()
    );
    let context = BuildContext::empty().with_file("a", vec![7; 3_000_000], 0o644);
    let begun = Instant::now();
    let builds =
        ["b", "c", "d", "e"].map(|name| build(&run, BuildRequest::new(name, &context, &dockerfile).target(name)));
    let outcomes = futures_util::future::join_all(builds).await;
    assert!(begun.elapsed() < Duration::from_secs(20));
    let mut layers = std::collections::BTreeSet::new();
    let mut sent = 0;
    for (outcome, events) in outcomes {
        let image = engine.image(outcome.image_id().expect("it builds")).await.unwrap();
        layers.insert(image.layers[image.layers.len() - 2].clone());
        sent = sent.max(
            events
                .iter()
                .filter_map(|event| if let BuildEvent::ContextSent { bytes } = event { Some(*bytes) } else { None })
                .max()
                .unwrap_or(0),
        );
    }
    assert_eq!(layers.len(), 1, "the shared stage was built once");
    assert!(sent < 2 * 3_000_000, "the context was sent once, not {sent} bytes");
    finish(&run).await;
}

#[tokio::test]
async fn a_dropped_build_ends_on_the_engine() {
    let Some(engine) = engine().await else { return };
    // Podman ends a dropped build only after the step at hand.
    if !engine.info().buildkit {
        return;
    }
    let run = engine.run("test");
    let unique = format!("dropped-{}", fresh());
    let dockerfile = format!("FROM {BASE}\nRUN echo {unique}; sleep 61.{}\n", std::process::id());
    let mut begun = false;
    let request = BuildRequest::new("x", &BuildContext::empty(), dockerfile);
    let dropped = tokio::time::timeout(
        Duration::from_secs(8),
        run.build(request, |event| {
            begun |= matches!(event, BuildEvent::Log { line, .. } if line.contains("dropped-"));
        }),
    )
    .await;
    assert!(dropped.is_err() && begun);
    let sleeping = || {
        let ours = format!("61.{}", std::process::id());
        std::fs::read_dir("/proc").unwrap().filter_map(Result::ok).any(|entry| {
            std::fs::read_to_string(entry.path().join("cmdline"))
                .is_ok_and(|line| line.starts_with("sleep\0") && line.contains(&ours))
        })
    };
    let deadline = Instant::now() + Duration::from_secs(10);
    while sleeping() {
        assert!(Instant::now() < deadline, "the build goes on");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    finish(&run).await;
}

#[tokio::test]
async fn the_dockerfile_and_the_session_leave_no_trace_in_the_image() {
    let Some(engine) = engine().await else { return };
    let run = engine.run("test");
    let context = BuildContext::empty().with_file("a", "b", 0o644);
    let image = built(&run, &context, &format!("FROM {BASE}\nWORKDIR /app\nCOPY . .\n")).await;
    let tree = run.walk_filesystem(&image, WalkOptions::default()).await.unwrap();
    let files: Vec<_> = tree.under("/app").map(|(path, _)| path).collect();
    assert_eq!(files, ["/app", "/app/a"]);
    let labels = engine.image(&image).await.unwrap().config.labels;
    assert!(!labels.keys().any(|key| key.contains("dockwright")), "{labels:?}");
    finish(&run).await;
}

#[tokio::test]
async fn secrets_and_arguments_reach_the_build() {
    let Some(engine) = engine().await else { return };
    if !engine.info().buildkit {
        return;
    }
    let run = engine.run("test");
    let mut request = BuildRequest::new(
        "x",
        &BuildContext::empty(),
        format!("FROM {BASE}\nARG A\nRUN --mount=type=secret,id=s test \"$A-$(cat /run/secrets/s)\" = 'x y-secret'\n"),
    );
    request.args.insert("A".into(), "x y".into());
    request.secrets.insert("s".into(), b"secret".to_vec());
    let (outcome, _) = build(&run, request.clone()).await;
    assert!(outcome.image_id().is_some(), "{outcome:#?}");
    request.secrets.insert("s".into(), b"other".to_vec());
    request.no_cache = true;
    let (outcome, _) = build(&run, request).await;
    assert!(outcome.image_id().is_none());
    finish(&run).await;
}

#[tokio::test]
async fn a_built_image_runs() {
    let Some(engine) = engine().await else { return };
    let run = engine.run("test");
    let image =
        built(&run, &BuildContext::empty(), &format!("FROM {BASE}\nCMD [\"sh\", \"-c\", \"echo hi; exit 7\"]\n")).await;
    let spec = ContainerSpec { name: "hi".into(), image, ..Default::default() };
    let finished = run.run_to_end(&spec, Duration::from_secs(20)).await.unwrap();
    assert_eq!((finished.exit_code, finished.output.as_slice()), (7, &["hi".to_owned()][..]));
    finish(&run).await;
}

#[tokio::test]
async fn the_builders_own_warnings_are_told_with_their_line() {
    let Some(engine) = engine().await else { return };
    let version: u32 = engine.info().version.split('.').next().and_then(|major| major.parse().ok()).unwrap_or(0);
    if !engine.info().buildkit || version < 28 {
        return;
    }
    let run = engine.run("test");
    let dockerfile = format!("FROM {BASE} AS a\nENV A=b\nCMD echo hi\n");
    let (_, events) = build(&run, BuildRequest::new("x", &BuildContext::empty(), dockerfile)).await;
    let told = |event: &BuildEvent| matches!(event, BuildEvent::Warning { message, line: Some(3), url: Some(_) } if message.contains("JSONArgsRecommended"));
    assert!(events.iter().any(told), "{events:#?}");
    finish(&run).await;
}
