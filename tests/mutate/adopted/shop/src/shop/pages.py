"""What the shop answers."""

import time

WELCOME = "Everything is sold here.\n"


def page(path):
    """The status and the text of a path."""
    if path == "/":
        return 200, WELCOME
    if path == "/up":
        return 200, "up\n"
    if path == "/slow":
        time.sleep(2)
        return 200, "counted " * 500 + "\n"
    return 404, "nothing of that kind\n"
