"""The templates as a set of texts, so that a check can be tried on a copy with a fault in it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path, PurePosixPath

from dev.policies.infra.bicep import BicepFile, Declared, Value, read
from dev.policies.repository import ROOT

MAIN = "infra/main.bicep"
MODULES = "infra/modules/"


@dataclass(frozen=True)
class Templates:
    """Every text of the infrastructure, by its path in the repository."""

    texts: Mapping[str, str]

    @cached_property
    def files(self) -> dict[str, BicepFile]:
        """Return the Bicep files, read."""
        return {path: read(text) for path, text in self.texts.items() if path.endswith(".bicep")}

    @property
    def main(self) -> BicepFile:
        """Return the file that holds everything together."""
        return self.files[MAIN]

    def module(self, name: str) -> BicepFile:
        """Return a module by its name."""
        return self.files[f"{MODULES}{name}.bicep"]

    def made(self, kind: str) -> Iterator[tuple[str, BicepFile, Declared]]:
        """Yield each resource of a type that the templates make, with a name for it."""
        for path, file in self.files.items():
            for symbol, resource in file.resources.items():
                if resource.what.partition("@")[0] == kind and not resource.is_existing:
                    yield f"{path}:{symbol}", file, resource

    def uses(self, module: str) -> Iterator[tuple[str, Declared]]:
        """Yield each use of a module, with a name for it."""
        for path, file in self.files.items():
            for symbol, use in file.modules.items():
                if target(path, use.what) == f"{MODULES}{module}.bicep":
                    yield f"{path}:{symbol}", use

    def with_change(self, path: str, old: str, new: str) -> "Templates":
        """Return a copy with one change.

        Raises:
            ValueError: if the text to change is not there, so that a fault that was not planted is not counted.
        """
        if old not in self.texts[path]:
            raise ValueError(f"{path} has no {old!r}")
        return Templates({**self.texts, path: self.texts[path].replace(old, new)})


Check = Callable[[Templates], Iterator[str]]


def load() -> Templates:
    """Return the templates of this repository."""
    paths = [ROOT / "azure.yaml", *sorted((ROOT / "infra").rglob("*"))]
    return Templates(
        {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in paths if path.is_file()}
    )


@cache
def target(path: str, reference: str) -> str:
    """Return the path that a reference in a file leads to."""
    parts: list[str] = []
    for part in (*PurePosixPath(path).parent.parts, *PurePosixPath(reference).parts):
        if part == "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return str(Path(*parts))


def differs(place: str, expected: Mapping[str, Value], actual: Mapping[str, Value]) -> Iterator[str]:
    """Yield one sentence for each property that is not as it must be."""
    for name, value in expected.items():
        if actual.get(name) != value:
            yield f"{place}: {name} must be {value!r}"
