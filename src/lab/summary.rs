//! How test runners sum up.

use regex::Regex;

use crate::stacks::{TestSummary, ecosystem};
use crate::text::plain;

/// The line by which a suite skipped all of its tests, from all that it printed; none if a runner says of a test that it ran,
/// or none says anything.
pub(super) fn of_none(log: &[String]) -> Option<String> {
    let lines: Vec<String> = log.iter().map(|line| plain(line)).collect();
    // What runs the suites of several packages puts the package's name before each line: `api: …`, `web test | …`.
    let behind =
        lines.iter().filter_map(|line| Some(line.split_once(": ").or_else(|| line.split_once("| "))?.1.to_owned()));
    let lines: Vec<String> = behind.chain(lines.iter().cloned()).collect();
    let mut told = None;
    for summary in ecosystem().tests.summaries.values() {
        let (skipped, line) = skipped(summary, &lines);
        let ran = match (&summary.ran, &summary.total) {
            (Some(ran), _) => count(ran, &lines).0,
            (None, Some(total)) => count(total, &lines).0.saturating_sub(skipped),
            (None, None) => 0,
        };
        if ran > 0 {
            return None;
        }
        told = told.or(line);
    }
    told.map(|line| line.trim().trim_matches('=').trim().to_owned())
}

/// How many tests a runner skipped, and the last line that says so of any.
fn skipped<'a>(summary: &TestSummary, lines: &'a [String]) -> (u64, Option<&'a String>) {
    match &summary.beside {
        Some(beside) if !lines.iter().any(|line| expression(beside).is_match(line)) => (0, None),
        _ => count(&summary.skipped, lines),
    }
}

/// The sum of the numbers that an expression finds, and the last line with one above 0.
fn count<'a>(of: &str, lines: &'a [String]) -> (u64, Option<&'a String>) {
    let of = expression(of);
    let mut sum = (0_u64, None);
    for line in lines {
        let Some(found) = of.captures(line) else { continue };
        let number = found.get(1).map_or(Ok(1), |number| number.as_str().parse()).unwrap_or(0);
        if number > 0 {
            sum = (sum.0.saturating_add(number), Some(line));
        }
    }
    sum
}

fn expression(text: &str) -> Regex {
    Regex::new(text).expect("data, which a test reads")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_runner_s_expressions_can_be_read() {
        for (name, summary) in &ecosystem().tests.summaries {
            let TestSummary { skipped, ran, total, beside } = summary;
            assert!(ran.is_some() != total.is_some(), "{name} counts what ran, or all");
            for text in [Some(skipped), ran.as_ref(), total.as_ref(), beside.as_ref()].into_iter().flatten() {
                assert!(expression(text).captures_len() <= 2, "{name}: {text}");
            }
        }
    }

    #[test]
    fn a_suite_that_skipped_all_is_told_from_one_that_ran() {
        let none = |text: &str| of_none(&text.lines().map(ToOwned::to_owned).collect::<Vec<_>>()).is_some();
        for text in [
            "sss  [100%]\n============ 3 skipped in 0.02s ============",
            "12 skipped, 1 warning in 0.40s",
            "2 deselected in 0.01s",
            "1 warning, 2 skipped in 0.01s (0:00:00)",
            "sss                             [100%]",
            "packages/api test:       Tests  2 skipped (2)",
            "orders: ============ 3 skipped in 0.02s ============",
            "web-1  | Ran 3 tests in 0.000s\nweb-1  | OK (skipped=3)",
            "Ran 3 tests in 0.000s\n\nOK (skipped=3)",
            "Ran 2 tests in 0.000s\n\nOK (expected failures=0, skipped=2)",
            "Tests:       4 skipped, 4 total",
            "Tests:       1 todo, 4 skipped, 5 total",
            "Tests:       2 todo, 2 total",
            "      Tests  2 skipped (2)",
            "\u{1b}[2m      Tests \u{1b}[22m \u{1b}[33m2 skipped\u{1b}[39m\u{1b}[90m (2)\u{1b}[39m",
            "  0 passing (2ms)\n  3 pending",
            "# tests 3\n# pass 0\n# fail 0\n# skipped 3",
            " 0 pass\n 2 skip\n 0 fail\nRan 2 tests across 1 file. [9.00ms]",
            "ok | 0 passed | 0 failed | 3 ignored (2ms)",
            "=== RUN   TestA\n    a_test.go:3: no database\n--- SKIP: TestA (0.00s)\nPASS\nok  \ta\t0.1s",
            "DONE 3 tests, 3 skipped in 0.1s",
            "[WARNING] Tests run: 3, Failures: 0, Errors: 0, Skipped: 3, Time elapsed: 0 s -- in A\n\
             [WARNING] Tests run: 3, Failures: 0, Errors: 0, Skipped: 3",
            "[         3 tests found           ]\n[         3 tests skipped         ]\n[         0 tests successful      ]",
            "[         3 tests found           ]\n[         1 containers skipped    ]\n[         0 tests skipped         ]",
            "test result: ok. 0 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "     Summary [   0.004s] 0 tests run: 0 passed, 2 skipped",
            "3 examples, 0 failures, 3 pending",
            "3 runs, 0 assertions, 0 failures, 0 errors, 3 skips",
            "OK, but some tests were skipped!\nTests: 3, Assertions: 0, Skipped: 3.",
            "3 tests, 0 failures, 3 skipped",
            "Skipped! - Failed:     0, Passed:     0, Skipped:     3, Total:     3, Duration: 1 ms",
        ] {
            assert!(none(text), "{text}");
        }
        for text in [
            "=== 1 passed, 3 skipped in 0.02s ===",
            "=== 3 skipped, 1 xfailed in 0.02s ===",
            "ss.s                            [100%]",
            "ssss                            [ 50%]\n..s                             [100%]",
            "api: 3 skipped in 0.02s\nweb: 1 passed in 0.02s",
            "api: 3 skipped in 0.02s\nweb:       Tests  1 passed (1)",
            "Ran 4 tests in 0.000s\n\nOK (skipped=3)",
            "Ran 2 tests in 0.000s\nOK (skipped=2)\nRan 1 test in 0.000s\nOK",
            "Tests:       4 skipped, 1 passed, 5 total",
            "      Tests  3 passed | 2 skipped (5)",
            "  1 passing (2ms)\n  3 pending",
            "# tests 4\n# pass 1\n# skipped 3",
            "2 skipped in 0.1s\n3 passed in 0.2s",
            "ok  example.com/orders 0.1s\n  3 pending",
            "12 files, 3 skipped\n  3 pending\n 2 skip\n# skipped 3\n--- SKIP: a",
            "=== RUN   TestA\n--- SKIP: TestA (0.00s)\n=== RUN   TestB\n--- PASS: TestB (0.00s)\nPASS",
            "[WARNING] Tests run: 3, Failures: 0, Errors: 0, Skipped: 3\n[INFO] Tests run: 1, Failures: 0, Errors: 0, Skipped: 0",
            "[         3 tests found           ]\n[         2 tests skipped         ]\n[         1 tests successful      ]",
            "test result: ok. 7 passed; 0 failed; 0 ignored;\ntest result: ok. 0 passed; 0 failed; 2 ignored;",
            "3 examples, 0 failures, 1 pending",
            "4 tests, 0 failures, 3 skipped",
        ] {
            assert!(!none(text), "{text}");
        }
    }
}
