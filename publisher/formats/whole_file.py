"""A file is there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from publisher.errors import StorageError


@contextmanager
def whole_file(output: Path) -> Iterator[Path]:
    """Give the path to write to; it becomes `output` when the block ends well and is removed when it does not.

    Raises:
        StorageError: the file cannot be written, because the disk is full for instance.
    """
    part = output.with_name(f".{output.name}.part")
    try:
        part.unlink(missing_ok=True)
        yield part
        os.replace(part, output)  # noqa: PTH105  the call whose atomicity this rests on
    except OSError as error:
        raise StorageError(
            f"The file {output.name} cannot be written: {error.strerror or type(error).__name__}.",
            step="write",
            cure=f"free space in {output.parent}, see that it may be written to, and run the release again",
        ) from None
    finally:
        part.unlink(missing_ok=True)
