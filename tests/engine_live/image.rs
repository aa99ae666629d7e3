//! Images: what they are and what is in them.

use dockwright::engine::{BuildContext, Healthcheck, WalkOptions};

use super::{BASE, built, engine, finish, fresh};

#[tokio::test]
async fn an_image_tells_its_config_and_layers() {
    let Some(engine) = engine().await else { return };
    let run = engine.run("image");
    let unique = fresh();
    let dockerfile = format!(
        "FROM {BASE}\nENV A=b PATH=/x\nUSER 12:34\nWORKDIR /w\nEXPOSE 80\nLABEL l={unique}\nSTOPSIGNAL SIGINT\nVOLUME /v\n\
         HEALTHCHECK --interval=3s CMD [\"probe\"]\nENTRYPOINT [\"e\"]\nCMD [\"c\"]\n"
    );
    let image = engine.image(&built(&run, &BuildContext::empty(), &dockerfile).await).await.unwrap();
    let base = engine.image(BASE).await.unwrap();
    let config = &image.config;
    assert_eq!(config.env_value("A"), Some("b"));
    assert_eq!(
        (config.user.as_str(), config.working_dir.as_str(), config.stop_signal.as_str()),
        ("12:34", "/w", "SIGINT")
    );
    assert_eq!((&config.entrypoint[..], &config.cmd[..]), (&["e".to_owned()][..], &["c".to_owned()][..]));
    assert_eq!((&config.exposed_ports[..], &config.volumes[..]), (&["80/tcp".to_owned()][..], &["/v".to_owned()][..]));
    assert_eq!(config.labels["l"], unique);
    assert!(
        matches!(&config.healthcheck, Some(Healthcheck { test: Some(test), interval: Some(time), .. }) if test.command() == "probe" && time.as_secs() == 3)
    );
    assert_eq!(image.layers[..base.layers.len()], base.layers[..]);
    assert!(image.size > 1_000_000 && !image.created.is_empty() && image.os == "linux");
    assert!(engine.history(&image.id).await.unwrap().iter().any(|step| step.created_by.contains("STOPSIGNAL")));
    assert!(!engine.image_exists("no-such-image:1").await.unwrap());
    finish(&run).await;
}

#[tokio::test]
async fn sentinels_are_found_wherever_they_are() {
    let Some(engine) = engine().await else { return };
    let run = engine.run("search");
    let [file, deleted, env, packed, history] = [(); 5].map(|()| format!("sentinel{}", fresh()));
    let dockerfile = format!(
        "FROM {BASE}\nCOPY x /x\nRUN echo {deleted} | cat > /gone\nRUN rm /gone && echo {packed} | gzip > /packed.gz\nENV E={env}\nARG H={history}\nRUN echo $H > /dev/null\n"
    );
    let image = built(&run, &BuildContext::empty().with_file("x", format!("..{file}.."), 0o600), &dockerfile).await;
    let absent = format!("sentinel{}", fresh());
    let needles = [&file, &deleted, &env, &packed, &history, &absent].map(|needle| needle.clone().into_bytes());
    let hits = engine.search_image(&image, &needles).await.unwrap();
    let told = |needle: usize, place: &str| {
        hits.iter().any(|hit| hit.needle == needle && hit.place.to_string().contains(place))
    };
    for (needle, place) in
        [(0, "file /x"), (1, "file /gone"), (2, "config.Env"), (2, "history"), (3, "file /packed.gz"), (4, "history")]
    {
        assert!(told(needle, place), "{needle} {place} in {hits:?}");
    }
    assert!(!hits.iter().any(|hit| hit.needle == 5));
    finish(&run).await;
}

#[tokio::test]
async fn a_file_system_is_read_without_a_shell_or_a_command() {
    let Some(engine) = engine().await else { return };
    let run = engine.run("walk");
    let context = BuildContext::empty().with_file("app/x", "content", 0o4711).with_symlink("app/l", "x");
    let image = built(&run, &context, "FROM scratch\nCOPY --chown=3:4 app /app\n").await;
    let tree = run.walk_filesystem(&image, WalkOptions::default()).await.unwrap();
    let file = &tree.files["/app/x"];
    assert_eq!((file.mode & 0o777, file.uid, file.gid, file.size), (0o711, 3, 4, 7));
    // Podman's COPY --chown drops it.
    assert!(file.mode == 0o4711 || !engine.info().buildkit);
    assert_eq!(tree.files["/app/l"].link.as_deref(), Some("x"));
    assert_eq!(tree.files.keys().collect::<Vec<_>>(), ["/app", "/app/l", "/app/x"]);
    let base =
        run.walk_filesystem(BASE, WalkOptions { under: vec!["/etc".into()], ..Default::default() }).await.unwrap();
    assert!(base.files.contains_key("/etc/passwd") && !base.files.contains_key("/usr"));
    finish(&run).await;
}

#[tokio::test]
async fn layers_make_the_file_system_that_a_container_has() {
    let Some(engine) = engine().await else { return };
    let run = engine.run("layers");
    let dockerfile = format!(
        "FROM {BASE} AS lower\nRUN mkdir -p /d/e && echo {} > /d/e/f && ln /d/e/f /d/g && touch /gone && echo a > /a && chmod 4755 /a\n\
         FROM lower\nRUN rm -r /d/e /gone && mkdir /gone && echo b > /gone/b && rm -r /usr/share/doc && chown 3:4 /a && ln -s a /l\n",
        fresh()
    );
    let upper = engine.image(&built(&run, &BuildContext::empty(), &dockerfile).await).await.unwrap();
    let base = engine.image(BASE).await.unwrap();
    let layers = engine.layers(&[&upper.id, BASE]).await.unwrap();
    for image in [&upper, &base] {
        let mut read = layers.tree(&image.layers).expect("every layer was read");
        let mut walked = run.walk_filesystem(&image.id, WalkOptions::default()).await.unwrap();
        // A folder's time is that of the container's own making where the engine has put something into it.
        let times = read.files.values_mut().chain(walked.files.values_mut());
        times.for_each(|entry| entry.mtime = 0);
        assert_eq!(read.files.len(), walked.files.len());
        for (path, entry) in &walked.files {
            assert_eq!(read.files.get(path), Some(entry), "{path}");
        }
    }
    finish(&run).await;
}
