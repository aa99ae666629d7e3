//! Runs: what they make is labelled, found and removed, and nothing else is.

use std::collections::BTreeMap;

use dockwright::engine::{ContainerSpec, Context, LeftoverKind, Mount, NetworkAttachment, VolumeMount};

use super::{BASE, built, engine, finish};

#[tokio::test]
async fn all_that_a_run_made_goes_with_it() {
    let Some(engine) = engine().await else { return };
    let run = engine.run("scope");
    let (network, volume) = (run.network("net", false).await.unwrap(), run.volume("data").await.unwrap());
    let image = built(&run, &Context::empty(), &format!("FROM {BASE}\nVOLUME /own\nENV A={}\n", run.id())).await;
    let spec = ContainerSpec {
        name: "sleeper".into(),
        image: image.clone(),
        command: Some(vec!["sleep".into(), "60".into()]),
        networks: vec![NetworkAttachment { network: network.name.clone(), aliases: vec!["x".into()] }],
        mounts: vec![Mount::Volume(VolumeMount {
            name: Some(volume.name.clone()),
            target: "/data".into(),
            ..Default::default()
        })],
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
    let mount =
        VolumeMount { name: Some("dockwright-test-no-such-volume".into()), target: "/x".into(), ..Default::default() };
    let spec = ContainerSpec { image: BASE.into(), mounts: vec![Mount::Volume(mount)], ..Default::default() };
    let refused = run.create(&spec).await.unwrap_err();
    assert!(refused.message().contains("does not exist"), "{refused}");
    finish(&run).await;
}

#[tokio::test]
async fn a_name_given_outlives_the_run() {
    let Some(engine) = engine().await else { return };
    let run = engine.run("scope");
    let image = built(&run, &Context::empty(), &format!("FROM {BASE}\nENV A={}\n", run.id())).await;
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

#[tokio::test]
async fn a_dead_runs_leftovers_are_swept() {
    let Some(engine) = engine().await else { return };
    if !cfg!(target_os = "linux") {
        return;
    }
    // Another process makes a volume and dies at once.
    if std::env::var_os("DOCKWRIGHT_TEST_DIE").is_some() {
        let run = engine.run("dies");
        let volume = run.volume("left").await.unwrap();
        println!("MADE {}", volume.name);
        std::process::abort();
    }
    let child = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "scope::a_dead_runs_leftovers_are_swept", "--nocapture"])
        .env("DOCKWRIGHT_TEST_DIE", "1")
        .output()
        .await
        .unwrap();
    let output = String::from_utf8_lossy(&child.stdout);
    let name = output.lines().find_map(|line| line.split_once("MADE ")).expect("a volume was made").1.trim().to_owned();
    let dead = engine.leftovers(false).await.unwrap();
    assert!(dead.iter().any(|leftover| leftover.name == name && leftover.dead), "{dead:?}");
    let swept = engine.sweep().await.unwrap();
    assert!(swept.removed.iter().any(|leftover| leftover.name == name), "{swept:?}");
}
