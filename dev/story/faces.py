"""Every face of the app at one moment: commands, routes, doctor. None may be green while one is red."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import azure.functions as func

from dev.in_memory.doctor import probe_of
from dev.in_memory.world import World
from recording.cli.__main__ import main
from recording.http import routes
from recording.operate.attention import needs_attention


@dataclass(frozen=True)
class Faces:
    """What each face says needs attention, by kind; and whether it is red."""

    kinds: dict[str, dict[str, int]]
    red: dict[str, bool]
    numbers: dict[str, int]

    def disagreements(self) -> Iterator[str]:
        """Yield each face that says something else than the model."""
        model, is_red = self.kinds["model"], bool(self.kinds["model"])
        yield from (f"{face} shows {told}, the model {model}" for face, told in self.kinds.items() if told != model)
        yield from (f"{face} is {'red' if red else 'green'}" for face, red in self.red.items() if red != is_red)

    @property
    def line(self) -> str:
        """Return all faces in one line."""
        return " · ".join(f"{face} {number}" for face, number in self.numbers.items())


def faces_of(here: World) -> Faces:
    """Ask every face."""
    model = Counter(item.kind.value for item in needs_attention(here.ports, here.settings).items)
    status_code, status = _command(here, "status")
    list_code, listed = _command(here, "ls", "--attention", "--limit", "1000")
    doctor_code, doctor = _command(here, "doctor")
    held = json.loads(routes.list_held(_get("held"), lambda: (here.ports, here.settings)).get_body())
    deep = deep_health(here)
    findings = {each["check"]: each for each in json.loads(deep.get_body())["findings"]}
    by_doctor = next(each for each in doctor["findings"] if each["check"] == "held")
    return Faces(
        kinds={
            "model": dict(model),
            "status": status["attention"],
            "ls --attention": dict(Counter(each["kind"] for each in listed["attention"])),
            "doctor": kinds_in(by_doctor["found"]),
            "GET held": dict(Counter(each["kind"] for each in held["attention"])),
            "GET health/deep": kinds_in(findings["held"]["found"]),
        },
        red={
            "status": status_code != 0,
            "ls --attention": list_code != 0,
            "doctor": doctor_code != 0,
            "GET held": held["attentionCount"] > 0,
            "GET health/deep": deep.status_code != 200,
        },
        numbers={
            "status": sum(status["attention"].values()),
            "ls": len(listed["attention"]),
            "doctor": sum(kinds_in(by_doctor["found"]).values()),
            "GET held": held["attentionCount"],
            "GET health/deep": deep.status_code,
        },
    )


def deep_health(here: World) -> func.HttpResponse:
    """Return what the route of the deep health answers."""
    return routes.deep_health(_get("health/deep"), lambda: (here.ports, here.settings), lambda _: probe_of(here))


def held_over_http(here: World) -> func.HttpResponse:
    """Return what the route of held things answers."""
    return routes.list_held(_get("held"), lambda: (here.ports, here.settings))


def _command(here: World, *arguments: str) -> tuple[int, dict[str, Any]]:
    told: list[str] = []
    code = main([*arguments, "-o", "json"], lambda: (here.ports, here.settings), told.append, lambda _: probe_of(here))
    return code, json.loads("".join(told))


def _get(route: str) -> func.HttpRequest:
    return func.HttpRequest("GET", f"https://app/api/{route}", body=b"")


def kinds_in(found: str) -> dict[str, int]:
    """Return the kinds that the doctor's finding names: `3 things: 1 at risk, 2 held`."""
    _, _, told = found.partition(": ")
    pairs = (part.partition(" ") for part in told.split(", ") if part)
    return {kind.replace(" ", "_"): int(count) for count, _, kind in pairs}
