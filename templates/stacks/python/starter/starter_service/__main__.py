import argparse
import signal
import sys
from pathlib import Path

import uvicorn

from .logs import log_config
from .settings import Settings


def main() -> None:
    parser = argparse.ArgumentParser(prog="starter-service")
    parser.add_argument("--reload", action="store_true", help="restart when the source changes")
    args = parser.parse_args()
    settings = Settings()

    # Uvicorn raises the signal again once it has shut down; that stop is a success.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))

    uvicorn.run(
        f"{__package__}.app:app",
        host="0.0.0.0",
        port=settings.port,
        log_config=log_config(settings),
        timeout_graceful_shutdown=9,  # one second below the usual grace period of 10
        reload=args.reload,
        reload_delay=0,  # watchfiles gathers a burst of changes itself
        reload_dirs=[str(Path(__file__).parent)] if args.reload else None,
    )


if __name__ == "__main__":
    main()
