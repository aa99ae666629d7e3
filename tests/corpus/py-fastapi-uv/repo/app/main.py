from fastapi import FastAPI
app = FastAPI(title="x")
@app.get("/health")
def health(): return {}
