from fastapi.testclient import TestClient

from app.main import app


def test_it_rains():
    assert TestClient(app).get("/leeds").json()["weather"] == "rain"
