"""The service as a process of its own: its logs, and how it stops."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx2
import pytest

Process = subprocess.Popen[str]


def wait_until_healthy(client: httpx2.Client) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            client.get("/healthz").raise_for_status()
        except httpx2.TransportError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def wait_until_refused(port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            return
        time.sleep(0.01)
    pytest.fail("it still accepts connections")


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def client(port: int) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=f"http://127.0.0.1:{port}") as client:
        yield client


@pytest.fixture
def service(port: int, client: httpx2.Client) -> Iterator[Process]:
    command = [sys.executable, "-m", "starter_service"]
    environment = {**os.environ, "PORT": str(port)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            wait_until_healthy(client)
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("stop_signal", [signal.SIGTERM, signal.SIGINT])
def test_finishes_the_request_in_flight_and_exits_0(
    service: Process, client: httpx2.Client, port: int, stop_signal: signal.Signals
) -> None:
    # The client still holds the idle connection of `wait_until_healthy`, which must not delay the stop.
    with socket.create_connection(("127.0.0.1", port), timeout=10) as in_flight:
        in_flight.sendall(b"GET /slow?seconds=2 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        # Once a later request is answered, that one is being worked on.
        client.get("/")
        time.sleep(0.3)
        service.send_signal(stop_signal)
        wait_until_refused(port)

        in_flight.setblocking(False)
        with pytest.raises(BlockingIOError):
            in_flight.recv(1)
        in_flight.settimeout(10)
        with in_flight.makefile("rb") as stream:
            head, _, body = stream.read().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert json.loads(body) == {"slept": 2}
    assert service.wait(timeout=6) == 0


def test_logs_one_json_object_a_line(service: Process, client: httpx2.Client) -> None:
    client.get("/")
    service.terminate()
    output, _ = service.communicate(timeout=5)
    lines = [json.loads(line) for line in output.splitlines()]
    assert [line["path"] for line in lines if line["message"] == "request"] == ["/"]
