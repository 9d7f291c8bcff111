"""`python -m dev.functions_host`: the built-in host as a process of its own."""

import argparse
import sys
from pathlib import Path

from dev.functions_host.command import main
from dev.functions_host.options import DRAIN_LIMIT_SECONDS, LEASE_SECONDS


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line; print help or the fault and exit, as argparse does."""
    parser = argparse.ArgumentParser("python -m dev.functions_host", description="Runs function_app.py on loopback.")
    parser.add_argument("--port", type=int, default=7071, help="0 takes a free port (default 7071)")
    parser.add_argument("--settings", type=Path, help="default: local.settings.json of the app, when there is one")
    parser.add_argument("--enable-auth", action="store_true", help="ask for keys (default: off, as `func start`)")
    parser.add_argument("--app-dir", type=Path, default=Path(), help="where function_app.py is")
    parser.add_argument("--host", choices=("builtin", "func", "auto"), default="builtin", help="func: Core Tools")
    parser.add_argument("--engine", choices=("worker", "direct"), help="default: worker on Python 3.13 and newer")
    parser.add_argument("--key", action="append", default=[], metavar="NAME=VALUE", dest="keys", help="a key to use")
    parser.add_argument("--ready-file", type=Path, help="written (JSON) once requests are answered")
    parser.add_argument("--state-dir", type=Path, help="where timers keep their status")
    parser.add_argument(
        "--queue-lease", type=int, default=LEASE_SECONDS, metavar="SECONDS", help="fixed at 600 in the real host"
    )
    parser.add_argument("--drain-limit", type=float, default=DRAIN_LIMIT_SECONDS, metavar="SECONDS")
    parser.add_argument("--sign-in", action="store_true", help="sign made-up people in, as App Service would")
    parser.add_argument("--log-json", action="store_true", help="log one JSON object a line")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(**vars(parse_arguments())))
