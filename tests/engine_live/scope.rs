//! Runs: what they make is labelled, found and removed, and nothing else is.

use std::collections::BTreeMap;

use dockwright::engine::{
    BuildContext, BuildRequest, ContainerSpec, Engine, LeftoverKind, MountSpec, NetworkAttachment, NetworkSpec,
    Settings,
};

use tokio::io::{AsyncBufReadExt, BufReader};

use super::{BASE, built, engine, finish};

fn sleep(seconds: &str) -> Settings {
    Settings { command: Some(vec!["sleep".into(), seconds.into()]), ..Settings::default() }
}

fn named(name: &str, internal: bool) -> NetworkSpec {
    NetworkSpec { name: name.into(), internal, ..NetworkSpec::default() }
}

#[tokio::test]
async fn all_that_a_run_made_goes_with_it() {
    let Some(engine) = engine().await else { return };
    let run = engine.run("scope");
    let (network, volume) = (run.network(&named("net", false)).await.unwrap(), run.volume("data").await.unwrap());
    let image = built(&run, &BuildContext::empty(), &format!("FROM {BASE}\nVOLUME /own\nENV A={}\n", run.id())).await;
    let spec = ContainerSpec {
        name: "sleeper".into(),
        image: image.clone(),
        settings: sleep("60"),
        networks: vec![NetworkAttachment {
            network: network.name.clone(),
            aliases: vec!["x".into()],
            links: Vec::new(),
        }],
        mounts: vec![MountSpec::volume(Some(volume.name.clone()), "/data")],
        ..Default::default()
    };
    let container = run.create(&spec).await.unwrap();
    container.start().await.unwrap();
    let left = engine.leftovers(true).await.unwrap();
    let mut kinds = BTreeMap::new();
    for leftover in left.iter().filter(|leftover| leftover.run == run.id()) {
        assert!(!leftover.dead);
        *kinds.entry(leftover.kind).or_insert(0) += 1;
    }
    for kind in [LeftoverKind::Container, LeftoverKind::Network, LeftoverKind::Volume, LeftoverKind::Image] {
        assert_eq!(kinds.get(&kind), Some(&1), "{left:?}");
    }
    // A sweep leaves a living run alone.
    engine.sweep().await.unwrap();
    assert!(container.inspect().await.unwrap().running);
    finish(&run).await;
    assert!(!engine.image_exists(&image).await.unwrap());
    assert!(run.finish().await.unwrap().removed.is_empty());
    let refused = run.create(&spec).await.unwrap_err();
    assert!(refused.message().contains("is over"), "{refused}");
}

#[tokio::test]
async fn a_volume_without_our_label_is_never_made() {
    let Some(engine) = engine().await else { return };
    let run = engine.run("scope");
    let mount = MountSpec::volume(Some("dockwright-test-no-such-volume".into()), "/x");
    let spec = ContainerSpec { image: BASE.into(), mounts: vec![mount], ..Default::default() };
    let refused = run.create(&spec).await.unwrap_err();
    assert!(refused.message().contains("does not exist"), "{refused}");
    finish(&run).await;
}

#[tokio::test]
async fn a_name_given_outlives_the_run() {
    let Some(engine) = engine().await else { return };
    let run = engine.run("scope");
    let image = built(&run, &BuildContext::empty(), &format!("FROM {BASE}\nENV A={}\n", run.id())).await;
    let name = format!("dockwright-test-kept:{}", run.id());
    engine.tag(&image, &name).await.unwrap();
    finish(&run).await;
    assert_eq!(engine.image(&name).await.unwrap().id, image);
    engine.untag(&name).await.unwrap();
    assert!(!engine.image_exists(&image).await.unwrap());
}

#[tokio::test]
async fn a_dropped_run_cleans_up_as_well_as_it_can() {
    let Some(engine) = engine().await else { return };
    let id = {
        let run = engine.run("scope");
        run.volume("data").await.unwrap();
        run.id().to_owned()
    };
    for _ in 0..50 {
        let left = engine.leftovers(true).await.unwrap();
        if !left.iter().any(|leftover| leftover.run == id) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("the volume is still there");
}

/// What the process that is killed does: a container runs, a build is under way.
async fn be_killed(engine: &Engine) -> ! {
    let run = engine.run("dies");
    let volume = run.volume("left").await.unwrap();
    built(&run, &BuildContext::empty(), &format!("FROM {BASE}\nENV A={}\n", run.id())).await;
    let spec = ContainerSpec {
        image: BASE.into(),
        settings: sleep("100"),
        mounts: vec![MountSpec::volume(Some(volume.name), "/data")],
        networks: vec![NetworkAttachment {
            network: run.network(&named("net", true)).await.unwrap().name,
            ..Default::default()
        }],
        ..Default::default()
    };
    run.create(&spec).await.unwrap().start().await.unwrap();
    run.create_idle(BASE).await.unwrap();
    println!("MADE {}", run.id());
    let dockerfile = format!("FROM {BASE}\nRUN sleep 30 # {}\n", run.id());
    let _ = run.build(BuildRequest::new("slow", &BuildContext::empty(), dockerfile), |_| {}).await;
    unreachable!("it is killed before")
}

#[tokio::test]
async fn what_a_killed_run_left_is_swept() {
    let Some(engine) = engine().await else { return };
    if !cfg!(target_os = "linux") {
        return;
    }
    if std::env::var_os("DOCKWRIGHT_TEST_DIE").is_some() {
        be_killed(&engine).await;
    }
    let mut child = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "scope::what_a_killed_run_left_is_swept", "--nocapture"])
        .env("DOCKWRIGHT_TEST_DIE", "1")
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let run = loop {
        let line = lines.next_line().await.unwrap().expect("it says what it made");
        if let Some((_, run)) = line.split_once("MADE ") {
            break run.trim().to_owned();
        }
    };
    let of_run = async |all| {
        let mut found = engine.leftovers(all).await.unwrap();
        found.retain(|leftover| leftover.run == run);
        found
    };
    assert_eq!(of_run(true).await.len(), 5);
    assert_eq!(of_run(false).await, [], "it is alive");
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    child.kill().await.unwrap();
    // Another test's sweep may be first.
    let swept = engine.sweep().await.unwrap();
    assert!(swept.failed.is_empty(), "{swept:?}");
    assert_eq!(of_run(true).await, [], "it is dead");
}
