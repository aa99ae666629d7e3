from fastapi import FastAPI

app = FastAPI()


@app.get("/")
def index():
    return {"message": "Ask for a city"}


@app.get("/healthz")
def healthz():
    return {"status": "ok"}


@app.get("/{city}")
def weather(city: str):
    return {"city": city, "weather": "rain"}
