//! Every format against its schema, and the page in a browser.

mod cli;
mod page;
mod sample;

use dockwright::report::{Manner, ReportKind, github, html, human, json, ndjson, text};
use dockwright::verify::Outcome;
use serde_json::Value;

use super::support::repository;
use sample::{all, interrupted, moments, report};

#[track_caller]
fn valid(schema: &Value, document: &Value, what: &str) {
    let validator = jsonschema::validator_for(schema).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{what}:\n{}", errors.join("\n"));
}

#[test]
fn json_and_events_are_as_their_schemas_say() {
    for (name, moments, report) in all() {
        valid(&json::schema(), &json::document(&report), name);
        for moment in &moments {
            let line = ndjson::line(moment);
            assert_eq!(line.matches('\n').count(), 1, "{line}");
            let event: Value = serde_json::from_str(&line).unwrap();
            valid(&ndjson::schema(), &event, &line);
        }
    }
    let mut wrong = json::document(&report(&moments()));
    wrong["contracts"][0]["outcome"] = "maybe".into();
    assert!(!jsonschema::is_valid(&json::schema(), &wrong), "the schema holds nothing");
}

#[test]
fn the_committed_schemas_are_these() {
    for (file, schema) in [("docs/verify.schema.json", json::schema()), ("docs/events.schema.json", ndjson::schema())] {
        let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        let path = repository().join(file);
        if std::env::var_os("DOCKWRIGHT_BLESS").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        assert!(std::fs::read_to_string(&path).unwrap_or_default() == text, "{file} is old: DOCKWRIGHT_BLESS=1");
    }
}

#[test]
fn what_is_not_finished_is_told_as_such() {
    let (_, report) = interrupted();
    let of = |name: &str| report.contracts.iter().find(|finding| finding.contract == name).unwrap();
    assert_eq!(json::document(&report)["outcome"], "error");
    assert_eq!(report.contracts.len(), dockwright::contract::ALL.len());
    assert_eq!(of("dev.no-source").outcome, Outcome::Pass);
    assert_eq!(
        (of("dev.reload").outcome, of("dev.reload").observed.as_str()),
        (Outcome::Skipped, "not run: interrupted")
    );
    let summary = anstream::adapter::strip_str(&human::summary(&report, None, true)).to_string();
    assert!(summary.contains("\nthe run did not finish: "), "{summary}");
}

#[test]
fn sarif_is_valid_and_every_result_has_its_place() {
    let schema = std::fs::read_to_string(repository().join("tests/cases/report/sarif-2.1.0.schema.json")).unwrap();
    // The published schema has a stray bracket in two patterns, which are no regular expressions by Unicode's rules.
    let schema: Value = serde_json::from_str(&schema.replace("{2}]?$", "{2}$")).unwrap();
    let manner = Manner { prefix: "services/my orders/".into(), ..Manner::default() };
    for (name, _, report) in all() {
        let document: Value = serde_json::from_str(&text(ReportKind::Sarif, &report, &[], &manner)).unwrap();
        valid(&schema, &document, name);
        let run = &document["runs"][0];
        assert_eq!(run["tool"]["driver"]["rules"].as_array().unwrap().len(), dockwright::contract::ALL.len());
        for result in run["results"].as_array().unwrap() {
            let place = &result["locations"][0]["physicalLocation"];
            let uri = place["artifactLocation"]["uri"].as_str().unwrap();
            assert!(uri.starts_with("services/my%20orders/"), "{uri}");
            assert!(place["region"]["startLine"].as_u64().unwrap() >= 1);
            assert_eq!(result["partialFingerprints"]["dockwrightContract/v1"].as_str().unwrap().len(), 32);
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(result["ruleId"], dockwright::contract::ALL[index].name);
        }
    }
    let document: Value = serde_json::from_str(&text(ReportKind::Sarif, &report(&moments()), &[], &manner)).unwrap();
    let results = document["runs"][0]["results"].as_array().unwrap();
    let kinds: Vec<_> =
        results.iter().map(|result| (result["ruleId"].as_str().unwrap(), result["kind"].as_str().unwrap())).collect();
    let expected =
        [("dev.owner", "open"), ("service.port", "fail"), ("service.shutdown", "fail"), ("test.passes", "fail")];
    assert_eq!(kinds.iter().filter(|kind| expected.contains(kind)).count(), kinds.len());
    assert_eq!(
        results.iter().filter(|result| result["suppressions"][0]["justification"] == "a proxy is in front").count(),
        1
    );
}

#[test]
fn junit_is_as_jenkins_and_surefire_read_it() {
    for (name, _, report) in all() {
        for strict in [false, true] {
            let manner = Manner { strict, ..Manner::default() };
            let text = text(ReportKind::Junit, &report, &[], &manner);
            let document = roxmltree::Document::parse(&text).unwrap_or_else(|error| panic!("{name}: {error}\n{text}"));
            let root = document.root_element();
            assert_eq!(root.tag_name().name(), "testsuites");
            let number = |node: roxmltree::Node, key: &str| node.attribute(key).unwrap().parse::<f64>().unwrap();
            let suites: Vec<_> = root.children().filter(roxmltree::Node::is_element).collect();
            for key in ["tests", "failures", "errors"] {
                let sum: f64 = suites.iter().map(|suite| number(*suite, key)).sum();
                assert_eq!(number(root, key).to_string(), sum.to_string(), "{key}");
            }
            for suite in suites {
                assert_eq!(suite.tag_name().name(), "testsuite");
                let cases: Vec<_> = suite.children().filter(roxmltree::Node::is_element).collect();
                let with = |tag: &str| {
                    cases.iter().filter(|case| case.children().any(|child| child.has_tag_name(tag))).count()
                };
                assert_eq!(number(suite, "tests").to_string(), cases.len().to_string());
                for (key, tag) in [("failures", "failure"), ("errors", "error"), ("skipped", "skipped")] {
                    assert_eq!(number(suite, key).to_string(), with(tag).to_string(), "{key}");
                }
                for case in cases {
                    assert_eq!(case.attribute("classname"), suite.attribute("name"));
                    assert!(case.attribute("name").is_some() && number(case, "time") >= 0.0);
                    assert!(case.children().filter(roxmltree::Node::is_element).count() <= 1);
                }
            }
            let case = |name: &str| document.descendants().find(|node| node.attribute("name") == Some(name));
            if name == "whole" {
                let tag = |name| case(name).unwrap().first_element_child().unwrap().tag_name().name().to_owned();
                assert_eq!(tag("service.shutdown"), "failure");
                assert_eq!(tag("service.port"), "skipped");
                assert_eq!(tag("dev.owner"), if strict { "error" } else { "skipped" });
                assert!(text.contains("&lt;/pre&gt;"), "{text}");
            } else {
                assert_eq!(case("verify").unwrap().first_element_child().unwrap().tag_name().name(), "error");
            }
        }
    }
}

#[test]
fn annotations_are_one_to_a_line_and_the_table_whole() {
    for (name, _, report) in all() {
        let manner = Manner { prefix: "a/".into(), ..Manner::default() };
        let text = github::annotations(&report, &manner);
        for line in text.lines() {
            assert!(line.starts_with("::"), "{name}: {line}");
            assert!(line.chars().all(|c| !c.is_control()), "{name}: {line:?}");
        }
        for line in github::summary(&report).lines().filter(|line| line.starts_with("| ") && line.contains("dev.")) {
            assert_eq!(line.replace("\\|", "").matches('|').count(), 6, "{line}");
        }
    }
    let text = github::annotations(&report(&moments()), &Manner::default());
    assert!(text.contains("::error file=Dockerfile,line=71,title=service.shutdown (fail)::"), "{text}");
    assert!(text.contains("::warning title=dev.owner (inconclusive)::"), "{text}");
    assert!(text.contains("::notice file=dockwright.toml,line=46,title=dev.reload::"), "{text}");
}

#[test]
fn the_page_needs_nothing_and_runs_nothing() {
    for (name, _, report) in all() {
        let page = html::page(&report);
        for outside in ["http://", "https://", "//cdn", "<script", "src=", "@import", "url(h", "<link", "\u{1b}", "\0"]
        {
            let found = page.find(outside).map(|at| page[at..].chars().take(80).collect::<String>());
            assert_eq!(found, None, "{name} has {outside:?}");
        }
    }
}

#[test]
fn the_summary_fits_the_terminal() {
    let report = report(&moments());
    for width in [40, 80, 200] {
        let text = anstream::adapter::strip_str(&human::summary(&report, Some(width), true)).to_string();
        let head = 17 + "installation.extends-service".len() + 21;
        for line in text.lines().filter(|line| !line.contains(" passed, ")) {
            assert!(line.chars().count() <= width.max(head), "{width}: {line}");
        }
        assert!(text.contains("- expected "), "{text}");
    }
}
