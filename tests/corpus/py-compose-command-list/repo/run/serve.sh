#!/usr/bin/env bash
export A=1
gunicorn -k uvicorn.workers.UvicornWorker -c gunicorn.py main:app
