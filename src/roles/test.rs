//! test: the service under its own tests.

use askama::Template;

use super::escape as filters;
use super::view::helpers;
use super::{RenderedStage, Role, View};

pub(super) const ROLE: Role = Role {
    name: "test",
    summary: "service plus test dependencies and the environment for testing; runs the suite.",
    about: "The service's own layers with the test dependencies, the tests and the test environment on top: what it \
            tests is, byte for byte, what ships. Its command runs the suite and exits with a code other than 0 if a \
            test fails. In a compiled stack, build compiles the tests; test has no compiler.",
    stages,
    services,
};

#[derive(Template)]
#[template(path = "build-tests.Dockerfile")]
struct BuildTestsStage<'a> {
    v: &'a View<'a>,
}

#[derive(Template)]
#[template(path = "test.Dockerfile")]
struct TestStage<'a> {
    v: &'a View<'a>,
}

#[derive(Template)]
#[template(path = "test.compose.yaml")]
struct TestService<'a> {
    v: &'a View<'a>,
}

fn stages(v: &View<'_>) -> Vec<RenderedStage> {
    let test = super::text(&TestStage { v });
    if v.facts.tests_compiled {
        vec![
            RenderedStage::new("build-tests", &["build"], &super::text(&BuildTestsStage { v })),
            RenderedStage::new("test", &["service", "build-tests"], &test).and(helpers(&v.dependencies.test)),
        ]
    } else {
        vec![RenderedStage::new("test", &["service"], &test).and(helpers(&v.dependencies.test))]
    }
}

fn services(v: &View<'_>) -> Vec<String> {
    vec![super::text(&TestService { v })]
}
