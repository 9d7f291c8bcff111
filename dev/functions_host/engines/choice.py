"""Chooses the engine that runs an app: the worker library where it exists, else the direct one."""

import sys

from dev.functions_host.engines.engine import DIRECT, WORKER, Engine
from dev.functions_host.functions import AppError


def create_engine(name: str | None = None) -> Engine:
    """Return the engine of that name.

    By default the production worker library where it exists (Python 3.13 and newer).
    """
    chosen = name or (WORKER if sys.version_info >= (3, 13) else DIRECT)
    if chosen == WORKER:
        from dev.functions_host.engines.worker import WorkerEngine

        return WorkerEngine()
    if chosen == DIRECT:
        from dev.functions_host.engines.direct import DirectEngine

        return DirectEngine()
    raise AppError(f"unknown engine '{chosen}': use '{WORKER}' or '{DIRECT}'")
