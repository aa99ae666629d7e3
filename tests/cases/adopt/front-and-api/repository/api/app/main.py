import os

from fastapi import FastAPI

app = FastAPI()


@app.get("/api/greeting")
def greeting():
    return {"greeting": "Hello from the api"}


@app.get("/api/health")
def health():
    return {"status": "ok", "release": os.environ.get("RELEASE", "none")}
