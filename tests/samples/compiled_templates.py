"""Page templates compiled once a process: each test makes an application of its own, and compiling is most of what a page costs then."""

from __future__ import annotations

from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket


class _Memory(BytecodeCache):
    def __init__(self) -> None:
        self._compiled: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._compiled:
            bucket.bytecode_from_string(self._compiled[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._compiled[bucket.key] = bucket.bytecode_to_string()


_COMPILED = _Memory()


def share_compiled(app: Flask) -> Flask:
    """Let an application take the templates that another one of this process compiled."""
    app.jinja_env.bytecode_cache = _COMPILED
    return app
