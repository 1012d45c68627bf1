"""Whose a file is: what others may write is no record, and says nothing of what is trusted."""

from __future__ import annotations

import os
import stat
import sys


def unsafe(status: os.stat_result) -> str | None:
    """Return why a file is not the user's alone, with the cure; None if it is."""
    if not stat.S_ISREG(status.st_mode):
        return None
    if sys.platform == "win32":  # which has other rights, that these bits do not show
        return None
    if status.st_uid != os.geteuid():
        return "it belongs to another user: remove it, or name another file"
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return "others may write it: check what it holds, then chmod go-w it"
    return None
