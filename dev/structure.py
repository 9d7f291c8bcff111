"""Draws the structure of recording/ from its imports into docs/architecture.md: its rooms, and who imports whom."""

from collections import Counter
from pathlib import Path

import grimp

PACKAGE = "recording"
ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "architecture.md"
_BEGIN, _END = "<!-- structure: python -m dev structure -->\n", "<!-- end of structure -->"
Arrows = dict[str, set[str]]


def room_of(module: str) -> str:
    """Return the room a module belongs to: the first name below the package."""
    return module.split(".")[1] if "." in module else PACKAGE


def arrows() -> Arrows:
    """Return, for each room, the rooms that it imports."""
    graph = grimp.build_graph(PACKAGE, cache_dir=None)
    found: Arrows = {room_of(module): set() for module in graph.modules if module != PACKAGE}
    for module in graph.modules - {PACKAGE}:
        targets = {room_of(each) for each in graph.find_modules_directly_imported_by(module)}
        found[room_of(module)] |= targets - {room_of(module), PACKAGE}
    return found


def modules_by_folder() -> Counter[str]:
    """Return how many modules lie in each folder of the package."""
    files = (ROOT / PACKAGE).rglob("*.py")
    return Counter(str(file.parent.relative_to(ROOT)) for file in files)


def reachable(rooms: Arrows, start: str) -> set[str]:
    """Return every room that a room reaches over one arrow or several."""
    seen: set[str] = set()
    waiting = list(rooms[start])
    while waiting:
        room = waiting.pop()
        if room not in seen:
            seen.add(room)
            waiting += rooms[room]
    return seen


def longest_ways(rooms: Arrows) -> Arrows:
    """Return the arrows without those that a longer way says as well (the transitive reduction)."""
    return {
        room: {one for one in targets if not any(one in reachable(rooms, other) for other in targets - {one})}
        for room, targets in rooms.items()
    }


def drawing() -> str:
    """Return the picture as a Mermaid diagram."""
    rooms = longest_ways(arrows())
    lines = [f"    {room} --> {target}" for room in sorted(rooms) for target in sorted(rooms[room])]
    return "```mermaid\nflowchart TD\n" + "\n".join(lines) + "\n```\n"


def page() -> str:
    """Return the page with the picture as the code is now."""
    text = PAGE.read_text("utf-8")
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return before + _BEGIN + drawing() + _END + after


def main() -> None:
    """Write the page, and print the figures."""
    PAGE.write_text(page(), "utf-8")
    rooms, folders = arrows(), modules_by_folder()
    largest, most = folders.most_common(1)[0]
    print(
        f"structure: {sum(folders.values())} modules in {len(rooms)} rooms, {sum(map(len, rooms.values()))} arrows, "
        f"no circles; the largest folder is {largest} with {most} modules"
    )
