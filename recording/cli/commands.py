"""The commands `status`, `list`, `show`, `verify`, `redrive`, `trail`: each asks one use case and tells its answer."""

import argparse
from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from recording.cli.printing import Tell, say, say_json
from recording.codes import Code
from recording.domain.attention import Attention, AttentionItem
from recording.operate.attention import needs_attention
from recording.operate.find_held import Chosen
from recording.operate.held import redrive
from recording.operate.timeline import overview, story
from recording.operate.verify_recording import verify
from recording.ports import Ports
from recording.settings import Settings

FINE, NEEDS_A_PERSON, UNKNOWN = 0, 1, 2  # the exit codes
Answer = tuple[int, dict[str, Any], list[str]]  # exit code, the facts for machines, the lines for people


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the commands and their options to the program."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="the answer as JSON")
    which = argparse.ArgumentParser(add_help=False)
    which.add_argument("--id", help="the one with this id, as listed")
    which.add_argument("--reason", help="held for this reason")
    which.add_argument("--recording", metavar="ID", help="of this recording")
    which.add_argument("--before", type=_time, metavar="TIME", help="events before, ISO 8601, UTC if it names no zone")
    which.add_argument("--after", type=_time, metavar="TIME", help="events since then")
    commands.add_parser("status", parents=[common], help="chunks by state, least time left")
    commands.add_parser("list", parents=[common, which], help="what needs attention, the most urgent first")
    again = commands.add_parser("redrive", parents=[common, which], help="put held things back to work")
    again.add_argument("--dry-run", action="store_true", help="only tell which")
    again.add_argument("--all", action="store_true", help="all that is held, when no other option says which")
    for name, text in (("show", "the timeline of a recording"), ("verify", "prove an archived recording again")):
        commands.add_parser(name, parents=[common], help=text).add_argument("recording", metavar="ID")
    trail = commands.add_parser(
        "trail", parents=[common], help="who asked for what: the audit trail of control actions"
    )
    trail.add_argument("--since", type=_time, metavar="TIME", help="the last day, unless this says otherwise")
    trail.add_argument("--recording", metavar="ID", help="about this recording")
    trail.add_argument("--caller", metavar="ID", help="by this caller")


def run(asked: argparse.Namespace, ports: Ports, settings: Settings, tell: Tell) -> int:
    """Runs one command, tells its answer, returns its exit code.

    Raises:
        RecordingError: when the answer could not be found out.
    """
    answers = {"status": _status, "list": _list, "show": _show, "verify": _verify, "redrive": _redrive, "trail": _trail}
    code, facts, lines = answers[asked.command](asked, ports, settings)
    if asked.json:
        say_json(tell, facts, _plain)
    else:
        say(tell, lines)
    return code


def _status(_asked: argparse.Namespace, ports: Ports, settings: Settings) -> Answer:
    seen, attention = overview(ports), needs_attention(ports, settings)
    kinds = Counter(one.kind for one in attention.items)
    lines = [f"{state:<15} {count}" for state, count in seen.states.items()]
    lines += [f"{kind.value:<15} {kinds[kind]}" for kind in Attention if kinds[kind]]
    queues = [queue for queue in ports.queue.depths() if queue.messages]
    lines += [f"{queue.messages} in the queue {queue.name}" for queue in queues]
    lines += [] if seen.counted_all else ["these counts are of a part of the catalog only"]
    lines += [] if attention.complete else ["more is open than was looked at; the most urgent is here"]
    lines += [f"open {seen.open_chunks}, need attention {kinds.total()}, least time left {_left(seen.least_time_left)}"]
    facts = asdict(seen) | {"attention": {kind.value: kinds[kind] for kind in Attention}}
    facts["complete"] = attention.complete
    facts["queues"] = {queue.name: queue.messages for queue in queues}
    return NEEDS_A_PERSON if kinds else FINE, facts, lines


def _list(asked: argparse.Namespace, ports: Ports, settings: Settings) -> Answer:
    found = needs_attention(ports, settings, _chosen(asked))
    lines = [_line_of(one, ports.clock.now()) for one in found.items]
    facts = {"attention": [asdict(one) for one in found.items], "complete": found.complete}
    return NEEDS_A_PERSON if found.items else FINE, facts, lines or ["nothing needs attention"]


def _line_of(one: AttentionItem, now: datetime) -> str:
    tries = f", tried {one.attempts} times" if one.attempts else ""
    due = f", next try in {_left(max(one.next_attempt_at - now, timedelta()))}" if one.next_attempt_at else ""
    whose = f" ({one.fault})" if one.fault else ""
    return f"{_left(one.time_left):>9}  {one.kind:<15}  {one.reason}{whose}{tries}{due}  {one.id}"


def _show(asked: argparse.Namespace, ports: Ports, _settings: Settings) -> Answer:
    told = story(asked.recording, ports)
    if told is None:
        return UNKNOWN, {"error": Code.UNKNOWN_RECORDING}, ["the catalog does not know this recording"]
    lines = [
        f"{moment.at:%Y-%m-%d %H:%M:%S}  {'' if moment.index is None else moment.index:<4}  {moment.what}"
        for moment in told.moments
    ]
    return FINE, {"recordingId": asked.recording, "moments": [asdict(moment) for moment in told.moments]}, lines


def _verify(asked: argparse.Namespace, ports: Ports, settings: Settings) -> Answer:
    found = verify(asked.recording, ports, settings)
    if found is None:
        return UNKNOWN, {"error": Code.UNKNOWN_RECORDING}, ["the catalog knows no chunk of this recording"]
    word = "proved" if found.is_proved else "not proved"
    lines = [*found.differences, *found.unread, f"{word}: {found.chunks} chunks, {found.read_whole} of them read whole"]
    return FINE if found.is_proved else NEEDS_A_PERSON, asdict(found) | {"is_proved": found.is_proved}, lines


def _redrive(asked: argparse.Namespace, ports: Ports, settings: Settings) -> Answer:
    chosen = _chosen(asked)
    if chosen == Chosen() and not asked.all:
        return UNKNOWN, {"error": Code.NOTHING_CHOSEN}, ["say which, or --all"]
    done = redrive(ports, settings, chosen, dry_run=asked.dry_run)
    word = "would redrive" if asked.dry_run else "redriven"
    lines = [f"{word}  {name}" for name in done.sent]
    lines += [f"skipped, refused again or just taken  {name}" for name in done.skipped]
    return NEEDS_A_PERSON if done.skipped else FINE, asdict(done) | {"dry_run": asked.dry_run}, lines or ["none"]


def _trail(asked: argparse.Namespace, ports: Ports, _settings: Settings) -> Answer:
    entries = [
        entry
        for entry in ports.audit.entries(asked.since or ports.clock.now() - timedelta(days=1))
        if asked.recording in (None, entry.recording_id) and asked.caller in (None, entry.caller)
    ]
    lines = [
        f"{entry.at:%Y-%m-%d %H:%M:%S}  {entry.operation:<13}  {entry.outcome:<13}  "
        f"{entry.caller or 'who had a key'}  {entry.recording_id or '-'}"
        for entry in entries
    ]
    return FINE, {"entries": [asdict(entry) for entry in entries]}, lines or ["nobody asked for anything"]


def _chosen(asked: argparse.Namespace) -> Chosen:
    return Chosen(asked.id, asked.reason, asked.recording, asked.before, asked.after)


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _left(left: timedelta | None) -> str:
    if left is None:
        return "-"
    minutes = int(left.total_seconds() // 60)
    return "lost" if minutes < 0 else f"{minutes // 60}h{minutes % 60:02d}m"


def _plain(value: object) -> object:
    return value.total_seconds() if isinstance(value, timedelta) else str(value)
