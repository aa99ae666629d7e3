//! Reports that hold what a format could stumble over.

use dockwright::contract;
use dockwright::engine::{EngineInfo, Product};
use dockwright::error::{Error, ErrorKind};
use dockwright::verify::{
    Ending, Event, Failure, Finding, ImageLayer, Moment, Outcome, Record, Report, RoleReport, SCHEMA, StageReport,
    Started, Waived, WaiverState,
};

/// What ends a string, an element, a cell or a line too early somewhere.
const NASTY: &str = "</pre><script>alert(1)</script> ]]> & \"'`|\u{1b}[31mred\u{1b}[0m\0\u{8}\u{FFFE} 100% a::b, \u{202E}é🦀\nnext line";

fn role(role: &str, stage: &str, started: f64, seconds: f64, layers: &[(&str, u64)]) -> Moment {
    let layers: Vec<ImageLayer> =
        layers.iter().map(|(step, size)| ImageLayer { step: (*step).to_owned(), size: *size }).collect();
    let built = !layers.is_empty();
    moment(
        started + seconds,
        Event::BuildDone(RoleReport {
            role: role.to_owned(),
            stage: stage.to_owned(),
            built,
            image: built.then(|| "sha256:0123".to_owned()),
            size: built.then(|| layers.iter().map(|layer| layer.size).sum()),
            started,
            seconds,
            cached_steps: 2,
            failure: None,
            steps: 8,
            layers,
        }),
    )
}

fn moment(at: f64, event: Event) -> Moment {
    Moment { schema: SCHEMA, at, event }
}

fn finding(contract: &str, outcome: Outcome, observed: &str, started: f64, seconds: f64) -> Finding {
    let contract = contract::find(contract).unwrap();
    Finding {
        contract: contract.name,
        role: contract.role(),
        outcome,
        expected: contract.promise.to_owned(),
        observed: observed.to_owned(),
        file: None,
        line: None,
        log: Vec::new(),
        hint: (outcome == Outcome::Fail).then(|| contract.fix.to_owned()),
        waiver: None,
        cached: None,
        started,
        seconds,
    }
}

fn done(finding: Finding) -> Moment {
    moment(finding.started + finding.seconds, Event::CheckDone(finding))
}

fn stage(name: &str, line: usize, parent: Option<&str>, copies: &[&str], roles: &[&str]) -> StageReport {
    let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect();
    StageReport {
        stage: name.to_owned(),
        file: "Dockerfile".to_owned(),
        line,
        parent: parent.map(str::to_owned),
        from: parent.unwrap_or("python:3.13-slim-trixie").to_owned(),
        copies: owned(copies),
        roles: owned(roles),
    }
}

fn started() -> Moment {
    let engine = EngineInfo {
        product: Product::Docker,
        version: "28.5.2".into(),
        api_version: "1.51".into(),
        os: "linux".into(),
        arch: "amd64".into(),
        kernel: "6.18".into(),
        storage_driver: "overlay2".into(),
        containerd_store: false,
        rootless: false,
        userns: false,
        buildkit: true,
        address: "unix:///var/run/docker.sock".into(),
        local: true,
        cpus: 2,
        memory: 8 << 30,
        root: "/var/lib/docker".into(),
        warnings: Vec::new(),
    };
    let roles = ["dev", "dev-tools", "build", "service", "test", "installation"];
    moment(
        0.0,
        Event::Started(Box::new(Started {
            version: env!("CARGO_PKG_VERSION"),
            project: "orders".into(),
            date: "2026-11-24T05:44:40Z".into(),
            engine,
            roles: roles.map(str::to_owned).into(),
            contracts: contract::ALL.iter().map(|contract| contract.name).collect(),
            stages: vec![
                stage("runtime", 4, None, &[], &[]),
                stage("dev", 12, Some("runtime"), &[], &["dev"]),
                stage("dev-tools", 22, Some("dev"), &[], &["dev-tools"]),
                stage("builder", 30, Some("dev"), &[], &["build"]),
                stage("build", 40, Some("builder"), &[], &["build"]),
                stage("service", 50, Some("runtime"), &["build"], &["service"]),
                stage("test", 70, Some("service"), &["builder"], &["test"]),
                stage("installation", 80, Some("service"), &[], &["installation"]),
            ],
        })),
    )
}

const BASE: (&str, u64) = ("debian.sh --arch 'amd64' out/ 'trixie' '@1759104000'", 78_600_000);
const PYTHON: (&str, u64) =
    ("RUN set -eux; savedAptMark=\"$(apt-mark showmanual)\"; apt-get update; make install", 38_400_000);
const VENV: (&str, u64) =
    ("RUN python -m venv --without-pip /opt/venv && pip install --requirement /tmp/requirements.lock", 71_900_000);

/// A run with one of everything.
pub(super) fn moments() -> Vec<Moment> {
    let fail = Finding {
        file: Some("Dockerfile".into()),
        line: Some(71),
        log: vec![
            NASTY.into(),
            "{\"level\": \"INFO\", \"message\": \"slow request started\", \"seconds\": 2.0}".into(),
        ],
        ..finding("service.shutdown", Outcome::Fail, NASTY, 14.0, 15.3)
    };
    let waived = Finding {
        file: Some("compose.yaml".into()),
        line: Some(9),
        waiver: Some(Waived {
            state: WaiverState::Used,
            reason: "a proxy is in front".into(),
            expires: "2027-01-31".into(),
            line: 40,
        }),
        ..finding(
            "service.port",
            Outcome::Skipped,
            "waived until 2027-01-31: a proxy is in front (it fails: no answer)",
            9.0,
            9.7,
        )
    };
    let unneeded = Finding {
        waiver: Some(Waived {
            state: WaiverState::Unneeded,
            reason: "slow disk".into(),
            expires: "2027-01-31".into(),
            line: 46,
        }),
        ..finding("dev.reload", Outcome::Pass, "served after written in place 1.7 s, saved by rename 1.5 s", 8.6, 17.4)
    };
    let outside =
        Finding { file: Some("/etc/passwd".into()), ..finding("test.passes", Outcome::Fail, "no suite", 20.0, 9.0) };
    let mut moments = vec![
        started(),
        moment(0.4, Event::BuildStep { role: "dev".into(), step: NASTY.into() }),
        role("dev", "dev", 0.0, 0.9, &[BASE, PYTHON, VENV, ("COPY docker/as-owner.sh /usr/local/bin/", 1_200)]),
        role("build", "builder", 0.0, 1.4, &[BASE, PYTHON, VENV, ("RUN apt-get install gcc", 11_000_000)]),
        role(
            "dev-tools",
            "dev-tools",
            0.0,
            6.5,
            &[
                BASE,
                PYTHON,
                VENV,
                ("COPY docker/as-owner.sh /usr/local/bin/", 1_200),
                ("RUN apt-get install git", 190_000_000),
            ],
        ),
        role(
            "build",
            "build",
            1.0,
            6.9,
            &[BASE, PYTHON, VENV, ("RUN apt-get install gcc", 11_000_000), ("COPY . .", 52_000)],
        ),
        role("service", "service", 1.0, 7.2, &[BASE, PYTHON, VENV, ("COPY --from=build /out/ ./", 31_000)]),
        role("test", "test", 1.0, 7.4, &[]),
        role("installation", "installation", 1.0, 7.4, &[BASE, PYTHON, VENV, ("COPY --from=build /out/ ./", 31_000)]),
        done(finding("scaffold.builds", Outcome::Pass, "7 images were built", 0.0, 8.5)),
        moment(8.5, Event::CheckStarted { contract: "dev.mount" }),
        done(finding(
            "dev.mount",
            Outcome::Pass,
            "the project's folder of the host is /srv/app of the container",
            8.5,
            0.4,
        )),
        done(finding(
            "dev.no-source",
            Outcome::Pass,
            "none of 6 source files is among the image's 8393 files",
            8.5,
            3.1,
        )),
        done(unneeded),
        done(finding(
            "dev.owner",
            Outcome::Inconclusive,
            "the engine maps users, so that owners on the mount are shifted",
            9.0,
            0.1,
        )),
        done(waived),
        done(fail),
        done(outside),
    ];
    let ended = Event::Ended { outcome: Ending::Fail, seconds: 29.4, changed: Vec::new(), error: None };
    moments.push(moment(29.4, ended));
    moments
}

pub(super) fn report(moments: &[Moment]) -> Report {
    let record = Record::default();
    for moment in moments {
        record.hear(moment);
    }
    record.report()
}

/// The same, broken off in the middle.
pub(super) fn interrupted() -> (Vec<Moment>, Report) {
    let record = Record::default();
    let mut moments: Vec<Moment> = moments().into_iter().take(13).collect();
    for moment in &moments {
        record.hear(moment);
    }
    let error =
        Error::new(ErrorKind::Interrupted, "interrupted; dockwright removes what it made on the engine").hint("again");
    let last = record.broken_off(Failure::of(&error));
    record.hear(&last);
    moments.push(last);
    (moments, record.report())
}

/// Nothing but an error: the description could not be read.
fn nothing() -> (Vec<Moment>, Report) {
    let record = Record::default();
    let last = record.broken_off(Failure::of(&Error::description(NASTY).in_file("dockwright.toml")));
    record.hear(&last);
    (vec![last], record.report())
}

pub(super) fn all() -> Vec<(&'static str, Vec<Moment>, Report)> {
    let moments = moments();
    let whole = report(&moments);
    let (broken_off, part) = interrupted();
    let (last, none) = nothing();
    vec![("whole", moments, whole), ("interrupted", broken_off, part), ("nothing", last, none)]
}
