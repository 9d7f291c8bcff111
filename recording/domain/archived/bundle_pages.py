"""The pages of a bundle: one to read and to listen to, and one that says how to verify all of it. Pure.

What callers wrote is text in the page, in any script: it is escaped, kept apart from the direction in which the text
around it runs, and marks that turn the direction around or end a line are shown as a box.
"""

import html
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from recording.domain.archived.exports import ExportRecord, Part

_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_VIDEO = ".mp4"
_MOST_SHOWN = 100  # pauses, or steps of consent, of a recording

_HEAD = """\
HOW TO VERIFY THIS BUNDLE

Nothing here needs the internet, an account, or a program of the archive's makers: {tools} are
enough. Unpack the bundle into an empty folder, and run the commands there.

"""
_KEY = """\
KEY.pem is the archive's public key. One came with this bundle, in keys/, and vouches for nothing: take the one that you
were given by another way, or compare the two.

"""
_NO_KEY = """\
The archive that made this bundle does not seal what it writes: no key signed anything here. The commands prove that
nothing was changed since the bundle was packed, and that the media is what its receipts say. They do not prove who
packed it, nor that a receipt is as it was written when its recording was archived.

"""
_SUMS = """\
1  Every file is as it was packed (on macOS: shasum -a 256 -c SHA256SUMS):

       sha256sum -c SHA256SUMS

"""
_SIGNED = """\
2  Everything at once: the files, that none was added, the media against its receipts, and the receipts and all other
   documents against what the archive's key signed. The program is short; read it before you run it:

       python3 verify.py KEY.pem

3  The same by hand, for one recording. In its folder, the signature over a checkpoint of the seal:

       python3 -c 'import json,sys; sys.stdout.write(json.load(open(sys.argv[1], encoding="utf-8"))["checkpoint"])' seal.NNNNNNNNNN.json > checkpoint
       sed '/^$/,$d' checkpoint > text
       tail -n 1 checkpoint | cut -d ' ' -f 3 | base64 -d | tail -c +5 > signature
       openssl dgst -sha256 -verify KEY.pem -signature signature text

   That the documents beside it are those that were sealed: each line is the digest over a salt and a document, as the
   proof has it, and as it is:

       python3 -c 'import hashlib,json,sys; [print(f["name"], f["digest"] == hashlib.sha256(bytes.fromhex(f["salt"]) + open(f["name"], "rb").read()).hexdigest()) for f in json.load(open(sys.argv[1], encoding="utf-8"))["files"]]' seal.NNNNNNNNNN.json

   How a digest leads to the signed root is the function `leads_to` of verify.py: RFC 6962, section 2.1.1.

4  That this is the bundle that was handed over: the archive's log has a row `export_made` with the digest of
   SHA256SUMS. Ask the archive for it, and compare:

       sha256sum SHA256SUMS

What is newer than the last checkpoint before the export has no proof yet, and is named as NO PROOF, with exit code 2.
So is media from which other speakers were removed: it is not the media of its receipt, which names them; export.json has
its digests before and after, and step 4 is what proves it. With the archive's own program, `recordings seal verify . --key KEY.pem` says the same.
"""  # noqa: E501 - a command is one line
_UNSIGNED = """\
2  Everything at once: the files, that none was added, and the media against its receipts. The program is short; read
   it before you run it. It names all documents and media as NO PROOF, since no key signed them; when all else is right,
   its exit code is 2:

       python3 verify.py

3  That this is the bundle that was handed over: the archive's audit trail has a row `export_made` with the digest of
   SHA256SUMS. Ask the archive for it, and compare:

       sha256sum SHA256SUMS

Media from which other speakers were removed is not the media of its receipt; export.json names its digests before and
after.
"""


def verify_text(*, is_sealed: bool) -> str:
    """Return how to verify a bundle: of an archive that seals, or of one whose documents no key has signed."""
    head = _HEAD.format(tools="sha256sum, openssl and Python 3" if is_sealed else "sha256sum and Python 3")
    return head + (_KEY if is_sealed else _NO_KEY) + _SUMS + (_SIGNED if is_sealed else _UNSIGNED)


def page_of(export: ExportRecord, parts: Sequence[Part]) -> bytes:
    """Return the page to read and to listen: one file, no script, nothing from elsewhere."""
    sections = "\n".join(_recording(part.facts, number) for number, part in enumerate(parts, start=1))
    count = f"{len(parts)} recording{'' if len(parts) == 1 else 's'}"
    missing = sum(bool(part.facts.get("error")) + len(part.facts.get("leftOut") or ()) for part in parts)
    lacks = f"<p><strong>Not everything is here</strong>: {missing} left out, each named with its reason.</p>"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; media-src 'self' file:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<meta name="referrer" content="no-referrer">
<title>Recordings, export {_shown(export.export_id)}</title>
<style>
:root {{ color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; background: #fff; color: #1a1a1a }}
a, summary {{ color: #0b4aa2 }}
body {{ max-width: 60rem; margin: 2rem auto; padding: 0 1rem }}
section {{ border-top: 1px solid; padding: 1rem 0 }}
h2 {{ font-size: 1.1rem; margin: 0; overflow-wrap: anywhere }}
dl {{ display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 0 1rem; margin: .5rem 0 }}
dd {{ margin: 0; overflow-wrap: anywhere }}
figure {{ margin: 1rem 0 }}
figcaption, li {{ overflow-wrap: anywhere }}
audio, video {{ width: 100%; max-height: 24rem }}
@media (prefers-color-scheme: dark) {{ :root {{ background: #181818; color: #eee }} a, summary {{ color: #9cc7ff }} }}
@media (max-width: 30rem) {{ dl {{ grid-template-columns: 1fr }} dd {{ margin: 0 0 .5rem 1rem }} }}
</style>
</head>
<body>
<main>
<h1>Recordings</h1>
<p>{count}, exported on {_time(export.requested_at)}. How to prove that nothing was changed:
<a href="VERIFY.txt">VERIFY.txt</a>. The same for programs: <a href="export.json">export.json</a>.</p>
{lacks if missing else ""}
{sections}
</main>
</body>
</html>
""".encode()


def _recording(facts: Mapping[str, Any], number: int) -> str:
    said: dict[str, object] = {
        "Recording": facts.get("recordingId"),
        "Call": facts.get("callId"),
        "Tags": [f"{name}: {value}" for name, value in (facts.get("tags") or {}).items()],
        "Participants": [_plain(one) for one in facts.get("participants") or ()],
        "Consent": _consent(facts.get("consent") or {}),
        "Pauses asked for": _some([_pause(one) for one in facts.get("pauses") or ()], facts.get("morePauses") or 0),
        "Pauses in the media": _some([_silence(one) for one in facts.get("mediaPauses") or ()]),
        "Left out": [f"{one['what']}: {one['why']}" for one in facts.get("leftOut") or ()],
        "Why not": facts.get("error"),
    }
    rows = "".join(f"<dt>{name}</dt><dd>{_each(value)}</dd>" for name, value in said.items() if value)
    media = facts.get("media") or ()
    players = "\n".join(_player(one, at, len(media)) for at, one in enumerate(media, start=1))
    links = "".join(f"<li>{_link(str(name))}</li>" for name in facts.get("documents") or ())
    documents = f"<details><summary>Documents</summary><ul>{links}</ul></details>" if links else ""
    began = _time(datetime.fromisoformat(str(facts["startedAt"]))) if facts.get("startedAt") else ""
    title = f"{number}. {began}" if began else f"{number}. Nothing was handed over"
    heading = f'<section aria-labelledby="r{number}">\n<h2 id="r{number}">{title}</h2>'
    return f"{heading}\n<dl>{rows}</dl>\n{players}\n{documents}</section>"


def _consent(told: Mapping[str, Any]) -> list[str]:
    """Return what is known of consent: the state, then each step."""
    if not told:
        return []
    steps = [f"{one['step']} on {_moment(one['at'])}" for one in told.get("steps") or ()]
    return [f"now: {told.get('state')}", *_some(steps, told.get("more") or 0)]


def _pause(one: Mapping[str, Any]) -> str:
    until = _moment(one["endedAt"]) if one.get("endedAt") else "an end that is not known"
    return f"{_moment(one['startedAt'])} to {until}" + (f": {one['reason']}" if one.get("reason") else "")


def _silence(one: Mapping[str, Any]) -> str:
    length = _length(float(one["durationMs"]) / 1000) if one.get("durationMs") else "a length that is not known"
    return f"{_moment(one['startedAt'])}, {length}"


def _some(texts: Sequence[str], more: int = 0) -> list[str]:
    """Return the first texts, and how many others there are."""
    left = max(len(texts) - _MOST_SHOWN, 0) + more
    return [*texts[:_MOST_SHOWN], *([f"and {left} more: see export.json and the manifest"] if left else [])]


def _moment(told: object) -> str:
    return _time(datetime.fromisoformat(str(told)))


def _plain(participant: object) -> str:
    """Return a participant as people write it: a number without ACS's mark of the telephone."""
    return str(participant).removeprefix("4:") if str(participant).startswith("4:+") else str(participant)


def _each(value: object) -> str:
    texts = value if isinstance(value, list | tuple) else [value]
    return "<br>".join(f"<bdi>{_shown(text)}</bdi>" for text in texts)


def _player(one: Mapping[str, Any], at: int, count: int) -> str:
    name = str(one["name"])
    kind = "video" if name.endswith(_VIDEO) else "audio"
    told = [f"Part {at} of {count}"]
    told += [_time(datetime.fromisoformat(str(one["startedAt"])))] if one.get("startedAt") else []
    told += [_length(float(one["seconds"]))] if one.get("seconds") else []
    told += ["one speaker alone"] if one.get("onlyChannels") else []
    label = ", ".join(told)
    player = f'<{kind} controls preload="none" src="{_shown(name)}" aria-label="{label}"></{kind}>'
    return f"<figure><figcaption>{label}: {_link(name)}</figcaption>{player}</figure>"


def _link(name: str) -> str:
    return f'<a href="{_shown(name)}"><bdi>{_shown(name.rpartition("/")[2])}</bdi></a>'


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _length(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _shown(text: object) -> str:
    """Return text for a page and its attributes."""
    return html.escape(_UNSEEN.sub("\N{WHITE SQUARE}", str(text)), quote=True)
