//! Signals while dockwright computes, and while the engine hangs: 130 within seconds, and the truth about what is left.

use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::Signal;

use super::running::{Running, left_by};
use super::support::{engine, run, service};

/// How soon dockwright is gone.
const SOON: Duration = Duration::from_secs(7);

#[test]
fn a_signal_is_heard_while_files_are_read() {
    let (_home, folder) = service("python", &[]);
    let compose = std::fs::read_to_string(folder.join("compose.yaml")).unwrap();
    // Read for seconds, without optimisation.
    let many: String = (0..12_000).map(|at| format!("  s{at}:\n    image: x\n    environment: {{ A: b }}\n")).collect();
    std::fs::write(folder.join("compose.yaml"), compose.replacen("services:\n", &format!("services:\n{many}"), 1))
        .unwrap();
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let mut running = Running::start_on(&folder, &["verify"], Some("unix:///nowhere.sock"));
        running.until_begun();
        running.signal(signal);
        let (code, said, took) = running.end();
        assert_eq!(code, Some(130), "{signal:?}: {said}");
        assert!(took < SOON && said.contains("interrupted"), "{took:?}: {said}");
    }
}

/// An engine that can be made to say nothing any more.
struct Proxy {
    _folder: tempfile::TempDir,
    host: String,
    silent: Arc<AtomicBool>,
}

impl Proxy {
    /// In front of the engine at a socket.
    fn of(engine: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("engine.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let silent = Arc::new(AtomicBool::new(false));
        let (engine, is_silent) = (engine.to_owned(), silent.clone());
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = UnixStream::connect(&engine) else { return };
                let pairs = [(client.try_clone(), server.try_clone()), (server.try_clone(), client.try_clone())];
                for (from, to) in pairs {
                    let (from, to, is_silent) = (from.unwrap(), to.unwrap(), is_silent.clone());
                    std::thread::spawn(move || pass_on(from, to, &is_silent));
                }
            }
        });
        Self { _folder: folder, host: format!("unix://{}", socket.display()), silent }
    }
}

fn pass_on(mut from: UnixStream, mut to: UnixStream, silent: &AtomicBool) {
    let mut part = vec![0; 1 << 16];
    while let Ok(count @ 1..) = from.read(&mut part) {
        while silent.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(20));
        }
        if to.write_all(&part[..count]).is_err() {
            return;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Write);
}

#[test]
fn a_signal_ends_a_run_whose_engine_hangs_and_what_is_left_is_named() {
    let host = std::env::var("DOCKER_HOST").unwrap_or_default();
    let Some(socket) = host.strip_prefix("unix://").filter(|_| engine()) else { return };
    let proxy = Proxy::of(Path::new(socket));
    let (_home, folder) = service("python", &[]);
    let mut running = Running::start_on(&folder, &["verify", "dev.reload"], Some(&proxy.host));
    let pid = running.pid();
    running.until_container();
    proxy.silent.store(true, Ordering::Relaxed);
    running.signal(Signal::TERM);
    let (code, said, took) = running.end();
    proxy.silent.store(false, Ordering::Relaxed);
    assert_eq!(code, Some(130), "{said}");
    assert!(took < SOON, "{took:?}: {said}");
    assert!(said.contains("is still there") && said.contains("dockwright clean"), "{said}");
    run(&folder, ["clean"]).exits(0);
    assert_eq!(left_by(pid), [""; 0]);
}
