use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use super::*;
use crate::error::Error;

/// A folder of files; the first is compose.yaml.
fn project(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let dir = tempfile::Builder::new().prefix("project").tempdir().unwrap();
    for (name, bytes) in files {
        #[expect(clippy::disallowed_methods, reason = "the test's own folder")]
        let mut file = File::options().write(true).create_new(true).open(dir.path().join(name)).unwrap();
        file.write_all(bytes).unwrap();
    }
    dir
}

fn load(files: &[(&str, &[u8])]) -> Result<Compose, Error> {
    let dir = project(files);
    read(dir.path(), &BTreeMap::from([("HOME".to_owned(), "/home/user".to_owned())]))
}

fn yaml(text: &str) -> Compose {
    load(&[("compose.yaml", text.as_bytes())]).unwrap_or_else(|error| panic!("{error}"))
}

const ROLES: &str = "\
name: orders
x-run: &run
  user: \"1000\"
  tmpfs: [/tmp]
services:
  dev:
    <<: *run
    build:
      context: .
      target: dev
    volumes:
      - .:/app
      - deps:/deps
    healthcheck:
      test: [CMD, a]
      interval: 1m30s
  tools:
    build: {context: ., target: Dev-Tools}
    profiles: [tools]
    environment: {A: \"${NOT_SET:-x}\", B: }
    cgroup_parent: m
volumes:
  deps:
";

#[test]
fn every_field_knows_its_line() {
    let compose = yaml(ROLES);
    let dev = &compose.services["dev"];
    for (field, line) in [
        ("build", 8),
        ("build.target", 10),
        ("build.args", 8),
        ("volumes", 11),
        ("healthcheck.interval", 16),
        // What comes by a merge key has the line it is written on.
        ("user", 3),
        ("tmpfs", 4),
        ("ports", 6),
    ] {
        assert_eq!(dev.at(field).line, line, "{field}");
    }
    assert_eq!(dev.place.line, 6);
    assert_eq!(dev.volumes.iter().map(|mount| mount.place.line).collect::<Vec<_>>(), [12, 13]);
    assert_eq!(compose.volumes["deps"].place.line, 23);
    assert_eq!(dev.settings.healthcheck.as_ref().unwrap().interval, Some(Duration::from_secs(90)));
    assert!(dev.place.to_string().ends_with("compose.yaml:6"));
}

#[test]
fn what_an_override_resets_is_missing_where_it_is_reset() {
    let over = "services:\n  tools:\n    profiles: !reset []\n    ports: [\"1:2\"]\n";
    let files = [
        ("compose.yaml", "services:\n  tools:\n    image: x\n    profiles: [tools]\n    ports: !reset []\n"),
        ("compose.override.yaml", over),
    ];
    let compose = load(&files.map(|(name, text)| (name, text.as_bytes()))).unwrap();
    let tools = &compose.services["tools"];
    assert!(tools.profiles.is_empty() && tools.ports.len() == 1);
    assert!(tools.at("profiles").to_string().ends_with("compose.override.yaml:3"), "{}", tools.at("profiles"));
    assert!(tools.at("ports").to_string().ends_with("compose.override.yaml:4"), "{}", tools.at("ports"));
}

#[test]
fn roles_profiles_and_mounts_are_found() {
    let compose = yaml(ROLES);
    assert_eq!(compose.service_for_role("dev").unwrap().name, "dev");
    assert_eq!(compose.service_for_role("dev-tools").unwrap().name, "tools");
    assert!(compose.service_for_role("build").is_none());
    let default: Vec<_> = compose.in_default_profile().map(|one| one.name.as_str()).collect();
    assert_eq!(default, ["dev"]);
    let dev = &compose.services["dev"];
    let folder = dev.volumes[0].source.clone().unwrap();
    assert_eq!(dev.mounts_of(Path::new(&folder)).count(), 1);
    assert_eq!(dev.volumes[0].source.as_deref(), compose.file.parent().unwrap().to_str());
}

#[test]
fn what_is_not_honoured_is_named() {
    let compose = yaml(ROLES);
    let found: Vec<_> = compose
        .unsupported_of("tools")
        .map(|one| (one.service.as_deref(), one.field.as_str(), one.place.line))
        .collect();
    assert_eq!(found, [(Some("tools"), "cgroup_parent", 21)]);
    assert_eq!(compose.unsupported_of("dev").count(), 0);
    let variable = &compose.interpolated[0];
    assert_eq!((variable.field.as_str(), variable.name.as_str()), ("environment.A", "NOT_SET"));
    assert_eq!((variable.service.as_deref(), variable.set, variable.place.line), (Some("tools"), false, 20));
    let tools = &compose.services["tools"];
    assert_eq!(tools.environment_from_host, ["B"]);
    assert_eq!(tools.settings.environment["B"], None);
}

#[test]
fn an_override_has_its_own_lines() {
    let compose = load(&[
        ("compose.yaml", b"services:\n  a:\n    image: x\n    user: root\n"),
        ("compose.override.yaml", b"\n\n\n\nservices:\n  a:\n    user: app\n    ports: ['80:80']\n"),
    ])
    .unwrap();
    let a = &compose.services["a"];
    assert_eq!(a.settings.user.as_deref(), Some("app"));
    let file = |field: &str| {
        let place = a.at(field);
        (place.file.file_name().unwrap().to_str().unwrap().to_owned(), place.line)
    };
    assert_eq!(file("user"), ("compose.override.yaml".to_owned(), 7));
    assert_eq!(file("ports"), ("compose.override.yaml".to_owned(), 8));
    assert_eq!(file("image"), ("compose.yaml".to_owned(), 3));
    assert_eq!(compose.files.len(), 2);
}

#[test]
fn files_that_cannot_be_read_are_refused() {
    let bomb: String = (1..9).fold("a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned(), |text, level| {
        let items = vec![format!("*a{}", level - 1); 9].join(", ");
        format!("{text}a{level}: &a{level} [{items}]\n")
    });
    let large = vec![b' '; 2 * 1024 * 1024];
    for (bytes, says) in [
        (large.as_slice(), "larger than 1 MiB"),
        (b"services:\n  a: {image: \"\xff\"}\n", "not UTF-8"),
        (bomb.as_bytes(), "not readable as YAML"),
        (b"", "a mapping"),
    ] {
        let error = load(&[("compose.yaml", bytes)]).unwrap_err();
        assert!(error.message().contains(says), "{error}");
        assert!(error.location().is_some() && !error.hints().is_empty(), "{error:?}");
    }
    let error = load(&[]).unwrap_err();
    assert!(error.message().contains("has no compose.yaml"), "{error}");
    let dir = project(&[]);
    std::fs::DirBuilder::new().create(dir.path().join("compose.yaml")).unwrap();
    let error = read(dir.path(), &BTreeMap::new()).unwrap_err();
    assert!(error.message().contains("not a file"), "{error}");
}

#[test]
fn the_largest_plausible_file_is_read_quickly() {
    let mut text = "services:\n".to_owned();
    for at in 0..1500 {
        let values = "{A: \"${B:-c}\"}";
        let lines = format!("  s{at}:\n    image: x\n    environment: {values}\n    ports: ['{at}:1']\n");
        text.push_str(&lines);
    }
    let started = std::time::Instant::now();
    assert_eq!(yaml(&text).services.len(), 1500);
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}
