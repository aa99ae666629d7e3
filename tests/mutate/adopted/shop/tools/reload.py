#!/usr/local/bin/python
"""reload FOLDER COMMAND...: runs a command as whoever owns this folder, and again whenever a file in FOLDER changes."""

import os
import signal
import subprocess
import sys
import time

folder, command = sys.argv[1], sys.argv[2:]
owner = os.stat(".")
if os.getuid() == 0 and owner.st_uid != 0:
    os.setgroups([])
    os.setgid(owner.st_gid)
    os.setuid(owner.st_uid)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))


def seen():
    found = {}
    for root, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name != "__pycache__"]
        for name in files:
            path = os.path.join(root, name)
            try:
                status = os.stat(path)
            except OSError:
                continue
            found[path] = (status.st_ino, status.st_size, status.st_mtime_ns)
    return found


child = None
try:
    while True:
        before = seen()
        child = subprocess.Popen(command)
        # The less often, the longer a look takes.
        pause = 0.3
        while True:
            time.sleep(pause)
            began = time.thread_time()
            now = seen()
            pause = min(max(0.3, (time.thread_time() - began) * 50), 5)
            if now != before:
                break
        if child.poll() is None:
            child.terminate()
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
finally:
    if child is not None and child.poll() is None:
        child.terminate()
        child.wait()
