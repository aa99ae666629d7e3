import uvicorn
from fastapi import FastAPI
import os
app = FastAPI()
if __name__ == "__main__":
    port = int(os.environ.get("PORT", 8080))
    uvicorn.run("main:app", host="0.0.0.0", port=port)
