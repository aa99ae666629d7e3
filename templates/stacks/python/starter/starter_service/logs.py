"""Logs as JSON, one object a line, on stdout."""

import logging
from typing import Any

from pythonjsonlogger.core import RESERVED_ATTRS

from .settings import Settings


class AccessFilter(logging.Filter):
    """Gives the parts of uvicorn's access line fields of their own, and drops healthy probes."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple) and len(record.args) == 5:
            client, method, path, _, status = record.args
            record.__dict__.update(client=client, method=method, path=path, status=status)
            record.msg, record.args = "request", None
            return (path, status) != ("/healthz", 200)
        return True


def log_config(settings: Settings) -> dict[str, Any]:
    """The `logging.config.dictConfig` for the service and uvicorn alike."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"access": {"()": AccessFilter}},
        "formatters": {
            "json": {
                "()": "pythonjsonlogger.json.JsonFormatter",
                "fmt": ["levelname", "name", "message"],
                "timestamp": "time",
                "rename_fields": {"levelname": "level", "name": "logger"},
                "static_fields": {"env": settings.app_env},
                # uvicorn repeats some messages with terminal colours.
                "reserved_attrs": [*RESERVED_ATTRS, "color_message"],
            },
        },
        "handlers": {
            "stdout": {
                "class": "logging.StreamHandler",
                "stream": "ext://sys.stdout",
                "formatter": "json",
            },
        },
        "root": {"level": settings.log_level, "handlers": ["stdout"]},
        "loggers": {"uvicorn.access": {"filters": ["access"]}},
    }
