//! The service as a process of its own: its logs, its health check, and how it stops.

use std::env;
use std::io::{self, BufRead, BufReader, Lines, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// `SERVICE_BIN` names the binary where the tests run apart from the build, as in the test container.
fn command() -> Command {
    let built = env!("CARGO_BIN_EXE_starter-service");
    Command::new(env::var_os("SERVICE_BIN").unwrap_or_else(|| built.into()))
}

struct Service {
    process: Child,
    log: Lines<BufReader<ChildStdout>>,
    port: u16,
}

impl Service {
    fn start() -> Self {
        let mut process = command()
            .env("PORT", "0")
            .env("LOG_LEVEL", "info")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let log = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut service = Self {
            process,
            log,
            port: 0,
        };
        let line = service.log_line().unwrap();
        assert_eq!(line["message"], "listening");
        service.port = line["port"].as_u64().unwrap().try_into().unwrap();
        service
    }

    fn log_line(&mut self) -> Option<Value> {
        let line = self.log.next()?.unwrap();
        Some(serde_json::from_str(&line).unwrap())
    }

    fn connect(&self) -> io::Result<TcpStream> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        Ok(stream)
    }

    fn wait_until_refused(&self) {
        let start = Instant::now();
        while self.connect().is_ok() {
            assert!(start.elapsed() < Duration::from_secs(10), "still accepts");
            sleep(Duration::from_millis(10));
        }
    }

    fn request(&self, path: &str) -> TcpStream {
        let mut stream = self.connect().unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        stream
    }

    fn stop(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).unwrap();
    }

    fn wait(&mut self) -> ExitStatus {
        self.process.wait().unwrap()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.wait();
    }
}

/// Reads until the service closes the connection.
fn read_to_end(mut stream: TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

fn finishes_what_is_in_flight(signal: Signal) {
    let mut service = Service::start();
    // Neither of these connections may hold the stop up.
    let mut kept_alive = service.request("/");
    kept_alive.read_exact(&mut [0; 15]).unwrap();
    let _silent = service.connect().unwrap();

    let in_flight = service.request("/slow?seconds=2");
    // Once a later one is answered, this one is being worked on.
    service.request("/").read_exact(&mut [0; 15]).unwrap();
    sleep(Duration::from_millis(300));
    service.stop(signal);
    service.wait_until_refused();

    in_flight.set_nonblocking(true).unwrap();
    let unanswered = in_flight.peek(&mut [0]).unwrap_err();
    assert_eq!(unanswered.kind(), io::ErrorKind::WouldBlock);
    in_flight.set_nonblocking(false).unwrap();
    let answer = read_to_end(in_flight);
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.ends_with(r#"{"slept":2.0}"#), "{answer}");
    let answered = Instant::now();
    assert!(service.wait().success());
    assert!(answered.elapsed() < Duration::from_secs(6));
}

#[test]
fn finishes_what_is_in_flight_on_sigterm() {
    finishes_what_is_in_flight(Signal::TERM);
}

#[test]
fn finishes_what_is_in_flight_on_sigint() {
    finishes_what_is_in_flight(Signal::INT);
}

#[test]
fn logs_one_json_object_a_line() {
    let mut service = Service::start();
    service
        .request("/nowhere")
        .read_exact(&mut [0; 15])
        .unwrap();
    service.stop(Signal::TERM);

    let lines: Vec<_> = std::iter::from_fn(|| service.log_line()).collect();
    let requests: Vec<_> = lines
        .iter()
        .filter(|line| line["message"] == "request")
        .collect();
    assert_eq!(requests.len(), 1, "{lines:?}");
    assert_eq!(requests[0]["path"], "/nowhere");
    assert_eq!(requests[0]["status"], 404);
}

#[test]
fn checks_its_health() {
    let mut service = Service::start();
    let check = |port: u16| {
        command()
            .arg("healthcheck")
            .env("PORT", port.to_string())
            .status()
            .unwrap()
    };
    assert!(check(service.port).success());

    service.stop(Signal::TERM);
    service.wait();
    assert_eq!(check(service.port).code(), Some(1));
}
