import asyncio
import logging
from typing import Annotated

from fastapi import FastAPI, Query

logger = logging.getLogger(__name__)

app = FastAPI(title="Starter Service")


@app.get("/")
async def greeting() -> dict[str, str]:
    return {"message": "Hello from starter-service"}


@app.get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/slow")
async def slow(
    seconds: Annotated[float, Query(ge=0, le=10, allow_inf_nan=False)] = 2,
) -> dict[str, float]:
    """Answers late, to watch a shutdown wait for it."""
    logger.info("slow request started", extra={"seconds": seconds})
    await asyncio.sleep(seconds)
    return {"slept": seconds}
