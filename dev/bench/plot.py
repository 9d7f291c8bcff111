"""Draws the plots of docs/performance.md as one SVG, by hand: bars and lines need no library."""

from typing import Any

from dev.bench.runs import OURS

_COLOURS = ("#9ecae1", "#4292c6", "#2171b5", "#08306b")
_W, _H, _TOP, _BASE = 420, 260, 50, 220
_ROW = 290
_MOST_BARS = 11
_MEMORY_LIMIT_MB = 90
"""What a copy may take above idle, by docs/performance.md."""


def plot(figures: dict[str, Any]) -> str:
    """Draw all peers at equal proof above; below, throughput by slots and block size, and peak memory by file size."""
    fast = figures.get("fast", {}).get("with proof", {}).get("mb_per_second", {})
    throttled = figures.get("throttled", {})
    slow = {who: rate for name in throttled for who, rate in throttled[name].get("mb_per_second", {}).items()}
    parts = (
        _ranking("Throttled source, MB/s", slow),
        _ranking("Fast source, digest and full read-back, MB/s", fast),
        _bars(figures.get("slots", {}).get("mb_per_second_by_slots_and_block_mib", {})),
        _lines(figures.get("memory", {})),
    )
    placed = "".join(
        f'<g transform="translate({number % 2 * _W},{number // 2 * _ROW})">{part}</g>'
        for number, part in enumerate(parts)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * _W} {2 * _ROW}" font-family="sans-serif">'
        f'<rect width="100%" height="100%" fill="white"/>{placed}</svg>\n'
    )


def _ranking(title: str, rates: dict[str, float]) -> str:
    """Draw a bar for each, the fastest first, ours in another colour."""
    parts = [_text(20, 22, title, bold=True)]
    most = max(rates.values(), default=1.0)
    for place, (who, rate) in enumerate(sorted(rates.items(), key=lambda pair: -pair[1])[:_MOST_BARS]):
        y = 38 + place * 22
        colour = _COLOURS[3] if who == OURS else _COLOURS[0]
        parts.append(_text(138, y + 12, who, end=True, size=11))
        parts.append(f'<rect x="144" y="{y}" width="{rate / most * 220:.1f}" height="16" fill="{colour}"/>')
        parts.append(_text(150 + round(rate / most * 220), y + 12, f"{rate:.0f}", size=11))
    return "".join(parts)


def _bars(grid: dict[str, dict[str, float]]) -> str:
    most = max((rate for row in grid.values() for rate in row.values()), default=1.0)
    parts = [_text(20, 22, "Throttled source: MB/s by connections at once (slots) and block size", bold=True)]
    for place, (slots, row) in enumerate(grid.items()):
        x = 30 + place * 95
        parts.append(_text(x + 36, _BASE + 18, f"{slots} slots", middle=True))
        for column, (block, rate) in enumerate(row.items()):
            height = rate / most * (_BASE - _TOP)
            colour = _COLOURS[column % len(_COLOURS)]
            parts.append(
                f'<rect x="{x + column * 19}" y="{_BASE - height:.1f}" width="17" height="{height:.1f}"'
                f' fill="{colour}">'
                f"<title>{slots} slots of {block} MiB: {rate:.0f} MB/s</title></rect>"
            )
            parts.append(_text(x + column * 19 + 8, int(_BASE - height - 4), f"{rate:.0f}", middle=True, size=9))
    for column, block in enumerate(next(iter(grid.values()), {})):
        x = 40 + column * 90
        parts.append(f'<rect x="{x}" y="{_H - 6}" width="12" height="12" fill="{_COLOURS[column % 4]}"/>')
        parts.append(_text(x + 17, _H + 5, f"{block} MiB"))
    return "".join(parts)


def _lines(memory: dict[str, Any]) -> str:
    parts = [_text(20, 22, "Peak memory above idle, MB, by file size", bold=True)]
    sizes, kinds = memory.get("sizes_mb", []), memory.get("rss_mb", {})
    highest = 150.0
    for level in (0, 50, 100, 150):
        y = _BASE - level / highest * (_BASE - _TOP)
        parts.append(f'<line x1="50" y1="{y:.0f}" x2="{_W - 20}" y2="{y:.0f}" stroke="#ddd"/>')
        parts.append(_text(42, int(y + 4), str(level), end=True))
    y = _BASE - _MEMORY_LIMIT_MB / highest * (_BASE - _TOP)
    parts.append(_text(_W - 22, int(y - 5), f"limit: {_MEMORY_LIMIT_MB} MB", end=True, size=10))
    parts.append(f'<line x1="50" y1="{y:.0f}" x2="{_W - 20}" y2="{y:.0f}" stroke="#c00" stroke-dasharray="4"/>')
    for place, size in enumerate(sizes):
        parts.append(_text(80 + place * 95, _BASE + 18, f"{size} MB", middle=True))
    for number, (kind, values) in enumerate(kinds.items()):
        points = [(80 + place * 95, _BASE - rss / highest * (_BASE - _TOP)) for place, rss in enumerate(values)]
        colour = _COLOURS[3 if number == 0 else 1]
        path = " ".join(f"{x},{y:.1f}" for x, y in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points]
        parts.append(f'<rect x="{60 + number * 130}" y="{_H - 6}" width="12" height="12" fill="{colour}"/>')
        parts.append(_text(77 + number * 130, _H + 5, f"{kind} source"))
    return "".join(parts)


def _text(
    x: int, y: int, text: str, *, bold: bool = False, middle: bool = False, end: bool = False, size: int = 12
) -> str:
    anchor = "middle" if middle else "end" if end else "start"
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-size="{size}"{weight}>{text}</text>'
