//! `test.exit-code`: what the suite says of a failing test, and of no test at all.

use std::sync::Arc;

use globset::GlobSet;
use regex::{Regex, RegexSet};

use crate::engine::{BuildContext, BuildEvent, BuildFailure, BuildOutcome, ContextFile, EntryKind};
use crate::lab::leavings::is_foreign;
use crate::lab::suite::{self, suite};
use crate::lab::{Lab, Obstacle, blame, changes, images};
use crate::stacks::{Says, SuiteProbe, ecosystem};
use crate::subject::RoleSubject;
use crate::verify::outcome::Outcome;
use crate::verify::stop::Checked;
use crate::verify::verdict::{Verdict, fail, inconclusive, pass};

/// What a runner prints of the failing test, and what the test itself prints past the runner.
const SIGNS: [&str; 2] = ["dockwright_probe", "dockwright-probe-ran"];

/// The same that only a test that ran can print: a compiler's or a linter's message names the test, too.
const RAN: &str = SIGNS[1];

/// Files of more bytes hold no tests.
const LARGEST: u64 = 1 << 20;

/// How the suite is changed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    /// A failing test in each file that holds tests.
    Failing,
    /// No test in any.
    Empty,
    /// Files that no runner can load.
    Broken,
}

/// How a changed suite ended.
enum Ended {
    /// The container's exit code, and what was printed.
    Run { code: i64, image: String, log: Vec<String> },
    /// The image did not build.
    Build(BuildFailure, Vec<String>),
}

/// What a stack knows of its suites, ready to use.
struct Probe<'a> {
    data: &'a SuiteProbe,
    files: GlobSet,
    except: GlobSet,
    holds: Regex,
    ran: RegexSet,
}

/// `test.exit-code`.
pub(super) async fn exit_code(lab: &Lab) -> Checked {
    let role = lab.role("test")?;
    lab.image("test")?;
    match suite(lab).await {
        Ok(suite) if suite.ending.code() == Some(0) => {}
        Ok(_) => return Ok(inconclusive("the suite does not pass as it is")),
        Err(Obstacle::Refused(_)) => {
            return Ok(inconclusive("the suite does not start as it is"));
        }
        Err(other) => return Err(other.into()),
    }
    let probe = Probe::of(&lab.stack("which files hold its tests")?.suite);
    let context = BuildContext::open_for(&role.target.context, &role.target.dockerfile.file)?;
    let files = probe.test_files(&context)?;
    if files.is_empty() {
        return Ok(inconclusive(format!(
            "no file of the build context contains a test that dockwright recognises ({})",
            probe.data.files.join(", ")
        )));
    }
    let failing = ended(lab, role, &probe, &context, Change::Failing);
    let empty = ended(lab, role, &probe, &context, Change::Empty);
    let broken = async {
        match &probe.data.broken {
            Some(_) => ended(lab, role, &probe, &context, Change::Broken).await.map(Some),
            None => Ok(None),
        }
    };
    let (failing, empty, broken) = tokio::try_join!(failing, empty, broken)?;
    let (failing, injected) = judge_failing(lab, role, failing, &files).await?;
    if failing.outcome() == Outcome::Fail {
        return Ok(failing);
    }
    // A failing test was run from the same files.
    if failing.outcome() == Outcome::Pass
        && let Some(Ended::Run { code: 0, log, .. }) = broken
    {
        return Ok(fail("the suite exited with 0, although its files of tests could not be loaded")
            .expected("a file of tests that cannot be loaded makes the test container exit with a code other than 0")
            .at_place(&blame::command(&lab.subject, role))
            .log(log));
    }
    let empty = judge_empty(lab, role, &probe, empty, injected);
    // What is worse; two that are alike are told together.
    Ok(match (failing.outcome(), empty.outcome()) {
        (Outcome::Pass, Outcome::Pass) => pass(format!("{}; {}", failing.observed(), empty.observed())),
        (Outcome::Pass, _) | (_, Outcome::Fail) => empty,
        _ => failing,
    })
}

/// Builds the test image with a changed suite, and runs it as compose.yaml says.
async fn ended(
    lab: &Lab,
    role: &RoleSubject,
    probe: &Probe<'_>,
    context: &BuildContext,
    change: Change,
) -> Checked<Ended> {
    let target = &role.target;
    let changed = probe.test_files(context)?;
    let context = changed.iter().zip(1..).fold(context.clone(), |context, ((file, text), number)| {
        context.with_file(&file.path, probe.changed(text, number, change).into_bytes(), file.mode)
    });
    let request = images::request(&lab.run, target, "suite", &context, &target.dockerfile.text).await?;
    // A suite may be run while its image is built.
    let mut log = Vec::new();
    let outcome = images::build(&lab.run, request, |event| {
        if let BuildEvent::Log { line, .. } = event
            && (SIGNS.iter().any(|sign| line.contains(sign)) || probe.ran.is_match(&line))
        {
            log.push(line);
        }
    });
    let image = match outcome.await? {
        BuildOutcome::Built { image_id } => image_id,
        BuildOutcome::Failed(failure) => return Ok(Ended::Build(failure, log)),
    };
    // Where compose.yaml mounts the tests, the copy has them.
    let copy = lab.copy()?;
    for ((file, text), number) in probe.test_files(&BuildContext::whole(&copy.path()))?.iter().zip(1..) {
        copy.write(&file.path, probe.changed(text, number, change).as_bytes())?;
    }
    let id = image.clone();
    let scene = lab.start_on(role, Arc::new(copy), move |spec| spec.image = id).await?;
    let ending = suite::ended(lab, &scene.container).await?;
    log.extend(scene.container.logs(None).await.unwrap_or_default());
    scene.end().await;
    match ending.code() {
        Some(code) => Ok(Ended::Run { code, image, log }),
        None => Err(inconclusive(format!("with its tests changed the suite {}", ending.told())).log(log).into()),
    }
}

/// What a suite with a failing test says; and whether the test is in the image although nothing shows that it ran.
async fn judge_failing(
    lab: &Lab,
    role: &RoleSubject,
    ended: Ended,
    files: &[(ContextFile, String)],
) -> Checked<(Verdict, bool)> {
    let seen = |log: &[String]| log.iter().any(|line| SIGNS.iter().any(|sign| line.contains(sign)));
    let named: Vec<&str> = files.iter().take(3).map(|(file, _)| file.path.as_str()).collect();
    let place = named.join(", ");
    let (code, image, log) = match ended {
        Ended::Build(failure, log) => {
            let mut all = log;
            all.extend(failure.log_tail.iter().cloned());
            let verdict = if all.iter().any(|line| line.contains(RAN)) || (seen(&all) && failure.exit_code.is_some()) {
                pass("a failing test stops the build of the image")
            } else {
                inconclusive(format!("with a failing test in {place} the image does not build: {}", failure.message))
                    .log(all)
            };
            return Ok((verdict, true));
        }
        Ended::Run { code, image, log } => (code, image, log),
    };
    if code != 0 {
        return Ok((pass(format!("with a failing test the suite exited with {code}")), true));
    }
    if seen(&log) {
        let place = blame::command(&lab.subject, role);
        let verdict = fail("the suite exited with 0, although a test that was added to it failed");
        let verdict = verdict.expected("a failing test makes the test container exit with a code other than 0");
        return Ok((verdict.at_place(&place).log(log), true));
    }
    // Where it is in the image, and nothing there runs it, the empty suite tells.
    let usual = lab.tree(&lab.container_image("test")?.id).await?;
    let changed = lab.tree(&image).await?;
    let injected = !changes(&usual, &changed).is_empty();
    let verdict = inconclusive(format!(
        "nothing shows that the suite ran a failing test added to {place}, so what it reports of one is unknown"
    ));
    Ok((verdict.log(log), injected))
}

/// What a suite without tests says.
fn judge_empty(lab: &Lab, role: &RoleSubject, probe: &Probe<'_>, ended: Ended, injected: bool) -> Verdict {
    let ran = |log: &[String]| log.iter().find(|line| probe.ran.is_match(line)).cloned();
    match ended {
        Ended::Build(failure, mut log) => {
            log.extend(failure.log_tail.iter().cloned());
            if failure.exit_code.is_some() && log.iter().any(|line| Says::any(&ecosystem().says.no_test, line)) {
                return pass("without tests the image does not build");
            }
            inconclusive(format!("without tests the image does not build: {}", failure.message)).log(log)
        }
        Ended::Run { code, .. } if code != 0 => pass(format!("without tests it exited with {code}")),
        Ended::Run { log, .. } => {
            if let Some(line) = ran(&log) {
                return inconclusive(format!(
                    "not all tests could be removed from the suite: {:?}",
                    line.trim().trim_matches('=').trim()
                ))
                .log(log);
            }
            if !injected {
                return inconclusive("the tests of the project are not in the test image, so it cannot be emptied");
            }
            let place = blame::command(&lab.subject, role);
            fail("the suite exited with 0, although there was no test in it")
                .expected("a suite that has lost its tests exits with a code other than 0")
                .at_place(&place)
                .log(log)
        }
    }
}

impl<'a> Probe<'a> {
    fn of(data: &'a SuiteProbe) -> Self {
        let set = |patterns: &[String]| {
            let mut set = globset::GlobSetBuilder::new();
            for pattern in patterns {
                set.add(globset::Glob::new(pattern).expect("a stack's patterns were read with it"));
            }
            set.build().expect("few patterns")
        };
        Self {
            data,
            files: set(&data.files),
            except: set(&data.except),
            holds: Regex::new(&data.holds).expect("a stack's patterns were read with it"),
            ran: RegexSet::new(&data.ran).expect("a stack's patterns were read with it"),
        }
    }

    /// The files of a context that hold tests, with their text.
    fn test_files(&self, context: &BuildContext) -> Checked<Vec<(ContextFile, String)>> {
        let files = context.files()?;
        let may = files.iter().filter(|file| {
            let named = self.files.is_match(&file.path) && !self.except.is_match(&file.path);
            named && file.kind == EntryKind::File && file.size <= LARGEST && !is_foreign(&file.path)
        });
        let mut found = Vec::new();
        for file in may {
            let Ok(text) = String::from_utf8(file.read()?) else { continue };
            if self.holds.is_match(&text) {
                found.push((file.clone(), text));
            }
        }
        Ok(found)
    }

    /// A file that holds tests, changed; the number is its own among them.
    fn changed(&self, text: &str, number: usize, change: Change) -> String {
        match (change, &self.data.disable) {
            (Change::Failing, _) => text.to_owned() + &self.data.failing.replace("@number@", &number.to_string()),
            (Change::Broken, _) => text.to_owned() + self.data.broken.as_deref().unwrap_or_default(),
            (Change::Empty, Some((test, other))) => {
                let test = Regex::new(test).expect("a stack's patterns were read with it");
                test.replace_all(text, other.as_str()).into_owned()
            }
            (Change::Empty, None) => self.data.empty.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stacks;

    fn probe(stack: &str) -> Probe<'static> {
        Probe::of(&stacks::find(stack).unwrap().suite)
    }

    #[test]
    fn every_stack_s_patterns_can_be_read() {
        for (name, stack) in stacks::all().filter(|(name, _)| stacks::starters().any(|known| known == *name)) {
            let probe = probe(name);
            assert!(probe.data.failing.contains(SIGNS[0]) && !probe.data.failing.contains(RAN), "{name}");
            assert!(probe.holds.is_match(&probe.data.failing) || name == "node", "{name}");
            if let Some((test, _)) = &stack.suite.disable {
                Regex::new(test).unwrap();
            }
        }
    }

    #[test]
    fn files_that_hold_tests_are_told_from_others() {
        for (stack, text, holds) in [
            ("python", "def test_greets(client):\n    pass\n", true),
            ("python", "class Greeting(unittest.TestCase):\n", true),
            ("python", "def greets():\n    return testing\n", false),
            ("node", "import { test } from \"node:test\";\ntest(\"greets\", () => {});\n", true),
            ("node", "  it.each([1])(\"greets\", () => {});\n", true),
            (
                "node",
                "run({ globPatterns: [\"test/**\"] })\n  .on(\"test:pass\", () => {});\nif (/x/.test(\"x\")) {}\n",
                false,
            ),
            ("rust", "    #[tokio::test]\n    async fn greets() {}\n", true),
            ("rust", "// as a test\n#[testing]\n", false),
            ("go", "func TestGreets(t *testing.T) {\n}\n", true),
            ("go", "func testGreets(t *testing.T) {\n}\n", false),
        ] {
            assert_eq!(probe(stack).holds.is_match(text), holds, "{stack}: {text}");
        }
    }

    #[test]
    fn an_empty_suite_still_compiles() {
        let text = "#[tokio::test(flavor = \"multi_thread\")]\nasync fn a() {}\n#[test]\nfn b() {}\n";
        let empty = probe("rust").changed(text, 1, Change::Empty);
        assert_eq!(empty, "#[allow(dead_code)]\nasync fn a() {}\n#[allow(dead_code)]\nfn b() {}\n");
        assert_eq!(probe("python").changed("def test_a(): ...\n", 1, Change::Empty), "");
        let empty = probe("go").changed("func TestA(t *testing.T) {}\nfunc Testing() {}\n", 1, Change::Empty);
        assert_eq!(empty, "func disabled_TestA(t *testing.T) {}\nfunc disabled_Testing() {}\n");
    }

    #[test]
    fn runs_are_told_from_empty_ones() {
        for (stack, line, ran) in [
            ("python", "===== 16 passed in 4.1s =====", true),
            ("python", "no tests ran in 0.01s", false),
            ("python", "Ran 0 tests in 0.000s", false),
            ("rust", "running 0 tests", false),
            ("rust", "running 3 tests", true),
            ("go", "ok  \torders/internal/api\t0.003s", true),
            ("go", "ok  \torders/internal/api\t0.003s [no tests to run]", false),
            ("go", "    --- PASS: TestAnswers/healthz (0.00s)", true),
            ("go", "PASS", false),
        ] {
            assert_eq!(probe(stack).ran.is_match(line), ran, "{line}");
        }
    }
}
