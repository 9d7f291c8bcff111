"""App settings: local.settings.json, `%NAME%` in names, and the environment the app sees."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import json5

from dev.functions_host.functions import AppError, FunctionSpec


def read_local_settings(path: Path) -> dict[str, str]:
    """Return the `Values` of a local.settings.json; comments and trailing commas are accepted, as by Core Tools.

    Raises:
        AppError: the file is absent, encrypted, or holds a value that is not text.
    """
    try:
        content = json5.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise AppError(f"no settings file {path}; copy local.settings.json.example to it") from error
    except ValueError as error:
        raise AppError(f"{path}: {error}") from error
    if not isinstance(content, dict) or not isinstance(content.get("Values", {}), dict):
        raise AppError(f'{path}: must hold an object with an object "Values"')
    if content.get("IsEncrypted"):
        raise AppError(f"{path}: encrypted settings cannot be read; run 'func settings decrypt' first")
    return _texts(path, content.get("Values", {}))


def effective_settings(values: Mapping[str, str]) -> dict[str, str]:
    """Return what the app will see: the environment wins over the file, as with Core Tools."""
    return {**values, **os.environ}


@contextmanager
def exported(values: Mapping[str, str]) -> Iterator[None]:
    """Put the values into the environment where nothing else has set them, and take them out again."""
    added = {name: value for name, value in values.items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


def resolve_names(text: str, settings: Mapping[str, str]) -> str:
    """Replace each `%NAME%` by the setting of that name. Raises AppError when there is none."""

    def replace(found: re.Match[str]) -> str:
        if not settings.get(found.group(1)):
            raise AppError(f"'{text}' needs the app setting {found.group(1)}, which is not set")
        return settings[found.group(1)]

    return re.sub(r"%([^%]+)%", replace, text)


def is_disabled(function: FunctionSpec, settings: Mapping[str, str]) -> bool:
    """Return whether `AzureWebJobs.<name>.Disabled` (or its form with underscores) says so."""
    names = (f"AzureWebJobs.{function.name}.Disabled", f"AzureWebJobs_{function.name}_Disabled")
    return any(settings.get(name, "").lower() in ("true", "1") for name in names)


def _texts(path: Path, values: Mapping[str, object]) -> dict[str, str]:
    for name, value in values.items():
        if not isinstance(value, str):
            raise AppError(f"{path}: the value of {name} must be text in quotes, not {value!r}")
    return {name: str(value) for name, value in values.items()}
