from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from starter_service.app import app


@pytest.fixture
def client() -> Iterator[TestClient]:
    with TestClient(app) as client:
        yield client


def test_greets(client: TestClient) -> None:
    response = client.get("/")
    assert response.status_code == 200
    assert response.json() == {"message": "Hello from starter-service"}


def test_is_healthy(client: TestClient) -> None:
    response = client.get("/healthz")
    assert response.status_code == 200
    assert response.json() == {"status": "ok"}


def test_slow_waits_as_asked(client: TestClient) -> None:
    response = client.get("/slow", params={"seconds": 0.05})
    assert response.json() == {"slept": 0.05}
    assert response.elapsed.total_seconds() >= 0.05


@pytest.mark.parametrize("seconds", ["-1", "10.1", "nan", "inf", "", "soon"])
def test_slow_refuses_nonsense(client: TestClient, seconds: str) -> None:
    assert client.get("/slow", params={"seconds": seconds}).status_code == 422
