//! Containers: their life, processes, output, files.

use std::path::Path;
use std::time::{Duration, Instant};

use dockwright::engine::{
    Commit, Container, ContainerSpec, EngineRun, EntryKind, HealthStatus, HealthTest, Healthcheck, ImageConfig, Limits,
    MountKind, MountSpec, PortSpec, Product, Settings, Status, TarEdit, Tmpfs, WalkOptions,
};

use super::{BASE, engine, finish};

fn shell(script: &str) -> ContainerSpec {
    ContainerSpec { name: "shell".into(), image: BASE.into(), settings: sh(script), ..Default::default() }
}

/// A script, to be given more settings.
fn sh(script: &str) -> Settings {
    Settings {
        entrypoint: Some(vec!["sh".into(), "-c".into()]),
        command: Some(vec![script.into()]),
        ..Default::default()
    }
}

async fn started(run: &EngineRun, spec: &ContainerSpec) -> Container {
    let container = run.create(spec).await.unwrap();
    container.start().await.unwrap();
    container
}

#[tokio::test]
async fn a_container_lives_and_ends() {
    let Some(engine) = engine().await else { return };
    let run = engine.run("life");
    let settings = Settings {
        environment: [("A".into(), Some("b c".into()))].into(),
        user: Some("4321:1234".into()),
        ..sh("echo \"$A $(id -u):$(id -g)\"; trap 'echo bye; exit 9' TERM; echo err >&2; while :; do sleep 0.1; done")
    };
    let spec = ContainerSpec { settings, ..shell("") };
    let container = run.create(&spec).await.unwrap();
    assert_eq!(container.inspect().await.unwrap().status, Status::Created);
    container.start().await.unwrap();
    for _ in 0..100 {
        if container.logs(None).await.unwrap().len() >= 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let state = container.inspect().await.unwrap();
    assert!(state.running && state.pid > 0, "{state:?}");
    let processes = container.top().await.unwrap();
    assert!(
        processes.iter().any(|process| process.uid == Some(4321) && process.command.starts_with("sh -c")),
        "{processes:?}"
    );
    let begun = Instant::now();
    container.stop(Some(Duration::from_secs(10))).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(8));
    assert_eq!(container.wait().await.unwrap(), 9);
    assert_eq!(container.inspect().await.unwrap().exit_code, 9);
    let mut log = container.logs(None).await.unwrap();
    log.sort();
    assert_eq!(log, ["b c 4321:1234", "bye", "err"]);
    assert_eq!(container.logs(Some(1)).await.unwrap().len(), 1);
    container.remove().await.unwrap();
    container.remove().await.unwrap();
    finish(&run).await;
}

#[tokio::test]
async fn commands_run_inside() {
    let Some(engine) = engine().await else { return };
    let run = engine.run("exec");
    let container = started(&run, &shell("sleep 60")).await;
    let ran = container
        .exec(&["sh", "-c", "echo out; echo err >&2; echo $X; exit 3"], Some("7"), &[("X", "y")])
        .await
        .unwrap();
    assert_eq!(ran.exit_code, 3);
    assert_eq!(ran.stdout, b"out\ny\n");
    assert!(ran.output.contains("err"));
    let missing = container.exec(&["no-such-command"], None, &[]).await;
    assert!(missing.is_err() || missing.is_ok_and(|ran| ran.exit_code >= 126));
    finish(&run).await;
}

#[tokio::test]
async fn a_container_that_cannot_start_says_why() {
    let Some(engine) = engine().await else { return };
    let run = engine.run("start");
    let settings =
        Settings { entrypoint: Some(vec!["/no/such/thing".into()]), command: Some(vec![]), ..Default::default() };
    let spec = ContainerSpec { settings, ..shell("") };
    let error = run.create(&spec).await.unwrap().start().await.unwrap_err();
    assert!(error.message().contains("/no/such/thing"), "{error}");
    let bind = MountSpec::bind(Path::new("/no/such/folder"), "/x");
    let spec = ContainerSpec { mounts: vec![bind], ..shell("") };
    let error = match run.create(&spec).await {
        Ok(container) => container.start().await.unwrap_err(),
        Err(error) => error,
    };
    assert!(error.message().contains("/no/such/folder"), "{error}");
    let error = run.create(&ContainerSpec { image: "no-such-image:1".into(), ..shell("") }).await.unwrap_err();
    assert!(error.message().to_lowercase().contains("no such image"), "{error}");
    finish(&run).await;
}

#[tokio::test]
async fn mounts_limits_and_networks_are_honoured() {
    let Some(engine) = engine().await else { return };
    if !engine.info().local {
        return;
    }
    let run = engine.run("mounts");
    let docker = engine.info().product == Product::Docker;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "from the host").unwrap();
    let volume = run.volume("v").await.unwrap();
    // Podman's knows no owner.
    let owner = if docker { "uid=77," } else { "" };
    let settings = Settings {
        tmpfs: vec![Tmpfs::parse(&format!("/tmp2:{owner}mode=700,size=1m"))],
        read_only: true,
        cap_drop: vec!["ALL".into()],
        security_opt: vec!["no-new-privileges:true".into()],
        // Podman needs a program of its own for it, which need not be there.
        init: docker.then_some(true),
        limits: Limits { pids: Some(50), ..Limits::default() },
        hostname: Some("named".into()),
        network_mode: Some("none".into()),
        ..sh(
            "cat /bind/file; echo; echo x > /bind/new; echo x > /vol/x; stat -c '%u %a' /tmp2 /tmp3; touch /root/x || echo ro; \
             grep -E 'CapBnd|NoNewPrivs' /proc/self/status; hostname; cat /proc/1/comm; ls /sys/class/net",
        )
    };
    let tmpfs = MountKind::Tmpfs { size: None, mode: Some(0o711) };
    let spec = ContainerSpec {
        settings,
        mounts: vec![
            MountSpec::bind(folder.path(), "/bind"),
            MountSpec::volume(Some(volume.name), "/vol"),
            MountSpec { kind: tmpfs, source: None, target: "/tmp3".into(), read_only: false },
        ],
        ..shell("")
    };
    let finished = run.run_to_end(&spec, Duration::from_secs(30)).await.unwrap();
    let output = finished.output.join("\n");
    for expected in [
        "from the host",
        if docker { "77 700" } else { "0 700" },
        "0 711",
        "ro",
        "CapBnd:\t0000000000000000",
        "NoNewPrivs:\t1",
        "named",
        "lo",
    ] {
        assert!(output.contains(expected), "{expected} in {output}");
    }
    assert!(folder.path().join("new").exists());
    finish(&run).await;
}

#[tokio::test]
async fn health_and_ports_are_seen() {
    let Some(engine) = engine().await else { return };
    let run = engine.run("health");
    let check = Healthcheck {
        test: Some(HealthTest::Shell("echo probing; test -e /tmp/ok".into())),
        interval: Some(Duration::from_millis(500)),
        timeout: Some(Duration::from_secs(2)),
        retries: Some(1),
        start_period: None,
        start_interval: None,
    };
    let settings = Settings { healthcheck: Some(check), ..sh("touch /tmp/ok; sleep 60") };
    let ports = vec![PortSpec { container: 8000, ..Default::default() }];
    let spec = ContainerSpec { settings, ports, ..shell("") };
    let container = started(&run, &spec).await;
    let port = container.inspect().await.unwrap().host_port(8000).expect("the port is published");
    assert!(port > 1024);
    let wait = async |status: HealthStatus| {
        for _ in 0..100 {
            let health = container.inspect().await.unwrap().health.expect("there is a healthcheck");
            if health.status == status {
                return health;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("never {status:?}");
    };
    // Podman's healthchecks run by timers that its socket alone does not have.
    if engine.info().product == dockwright::engine::Product::Docker {
        let health = wait(HealthStatus::Healthy).await;
        assert!(health.log.iter().any(|probe| probe.output.contains("probing")));
        container.exec(&["rm", "/tmp/ok"], None, &[]).await.unwrap();
        wait(HealthStatus::Unhealthy).await;
    }
    let plain = started(&run, &shell("sleep 60")).await;
    assert_eq!(plain.inspect().await.unwrap().health, None);
    finish(&run).await;
}

#[tokio::test]
async fn files_are_read_and_written_without_a_shell() {
    let Some(engine) = engine().await else { return };
    let run = engine.run("files");
    let container = run.create_idle(BASE).await.unwrap();
    container.write_file("/opt/a file", b"content", 0o640, 12, 34).await.unwrap();
    assert_eq!(container.read_file("/opt/a file", 100).await.unwrap().as_deref(), Some(&b"content"[..]));
    assert_eq!(container.read_file("/opt/a file", 3).await.unwrap().as_deref(), Some(&b"con"[..]));
    assert_eq!(container.read_file("/opt/none", 3).await.unwrap(), None);
    assert!(container.read_file("/etc/os-release", 10_000).await.unwrap().is_some_and(|text| !text.is_empty()));
    let stat = container.stat("/opt").await.unwrap().unwrap();
    assert!(stat.is_dir);
    let tree = container.walk("/opt", WalkOptions::default()).await.unwrap();
    let file = &tree.files["/opt/a file"];
    assert_eq!((file.kind, file.mode, file.size), (EntryKind::File, 0o640, 7));
    // Podman's archives do not tell the user.
    if engine.info().product == Product::Docker {
        assert_eq!((file.uid, file.gid), (12, 34));
    }
    let whole = container.walk_all(WalkOptions::default()).await.unwrap();
    assert_eq!((whole.files["/opt/a file"].uid, whole.files["/opt/a file"].gid), (12, 34));
    assert!(container.walk("/none", WalkOptions::default()).await.unwrap().files.is_empty());
    finish(&run).await;
}

#[tokio::test]
async fn files_are_piped_and_committed() {
    let Some(engine) = engine().await else { return };
    let run = engine.run("pipe");
    let from = started(&run, &shell("mkdir -p /out/sub && echo made > /out/sub/x && chmod 4775 /out/sub/x && ln -s sub/x /out/l && echo linked > /out/h && ln /out/h /out/sub/i && sleep 60")).await;
    for _ in 0..100 {
        if from.stat("/out/sub/i").await.unwrap().is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let to = run.create_idle(BASE).await.unwrap();
    let edit =
        TarEdit { uid: Some(5), gid: Some(6), mode_clear: 0o022, root: Some("app".into()), ..Default::default() };
    assert_eq!(from.pipe("/out", &to, "/srv", edit).await.unwrap(), 6);
    let missing = from.pipe("/none", &to, "/srv", TarEdit::default()).await.unwrap_err();
    assert!(missing.message().contains("does not exist"), "{missing}");
    assert!(from.pipe("/out", &to, "/no/such/folder", TarEdit::default()).await.is_err());
    let before = to.walk("/srv", WalkOptions::default()).await.unwrap();
    assert_eq!(before.files["/srv/app/sub/x"].mode, 0o4755);
    let config = ImageConfig {
        cmd: vec!["/srv/app/sub/x".into()],
        env: vec![("A".into(), "b".into())],
        user: "5".into(),
        ..Default::default()
    };
    let commit = Commit { name: "made".into(), config: config.clone(), comment: "test".into() };
    let image = match run.commit(&to, commit).await {
        // A Podman of the tests' own may lack the machine's signature policy, without which it commits nothing.
        Err(error) if error.message().contains("policy.json") => return finish(&run).await,
        image => image.unwrap(),
    };
    let info = engine.image(&image).await.unwrap();
    assert_eq!(info.config.cmd, config.cmd);
    assert_eq!(info.config.user, "5");
    assert_eq!(info.config.env_value("A"), Some("b"));
    assert!(info.config.entrypoint.is_empty() && info.config.labels.is_empty(), "{:?}", info.config);
    let tree = run.walk_filesystem(&image, WalkOptions::default()).await.unwrap();
    let file = &tree.files["/srv/app/sub/x"];
    assert_eq!((file.mode, file.uid, file.gid, file.size), (0o4755, 5, 6, 5));
    assert_eq!(tree.files["/srv/app/h"], tree.files["/srv/app/sub/i"]);
    assert_eq!(tree.files["/srv/app/h"].size, 7);
    assert_eq!(tree.files["/srv/app/l"].link.as_deref(), Some("sub/x"));
    finish(&run).await;
}
