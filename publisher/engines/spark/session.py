"""A session on a Spark cluster, on a local one, or on a server that speaks Spark Connect."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from publisher.errors import DescriptorError, EnvironmentFault

_HERE = ("local", "local-cluster")


@contextmanager
def spark_session(master: str) -> Iterator[Any]:
    """Open a session; it ends with the block.

    Args:
        master: `local[4]`, `local-cluster[2,1,1024]`, `spark://host:7077`, `yarn`, or `sc://host:15002` for Spark Connect.

    Raises:
        DescriptorError: Spark's Python package is not installed.
        EnvironmentFault: the cluster does not answer.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise DescriptorError(
            "Spark's Python package is not installed.",
            cure="pip install 'phusa[spark]' for a cluster of Spark, or 'phusa[sail]' for Spark Connect, in an environment of its own",
        ) from None
    if not os.environ.get("SPARK_HOME"):
        os.environ.pop("SPARK_HOME", None)  # an empty one sends Spark looking for its programs in the working folder
    try:
        session = _connect(SparkSession, master)
    except Exception as error:
        raise EnvironmentFault(
            f"Spark does not answer at `{master.partition('?')[0]}` ({type(error).__name__}).",
            cure="see whether the master's address is right, whether it runs, and whether Java is installed here",
        ) from error
    try:
        yield session
    finally:
        session.stop()


def _connect(kind: Any, master: str) -> Any:
    if master.startswith("sc://"):
        return kind.builder.remote(master).getOrCreate()
    builder = kind.builder.master(master).appName("phusa")
    # The progress bar would be mixed into what the command tells; failing tasks are told apart by our own words.
    builder = builder.config("spark.ui.showConsoleProgress", "false")
    if master.partition("[")[0] in _HERE:
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        for name, value in {
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.ui.enabled": "false",
        }.items():
            builder = builder.config(name, value)
    return builder.getOrCreate()
