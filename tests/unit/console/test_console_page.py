"""The files of the page: small, plain, and nothing in them that a strict policy would have to allow."""

import re

import pytest

from dev.policies.repository import DOCS
from recording.domain.incoming.roles import Operation
from recording.domain.watched.attention import Attention
from recording.http.console_files import CONTENT_SECURITY_POLICY, FOLDER, files, without_comments
from recording.library.handover import export
from recording.library.keep import destroy, speaker
from recording.library.seal import compare, log

LARGEST = 60_000  # bytes of all files as they are sent, compressed
SCRIPTS = sorted(FOLDER.glob("*.js"))
PARSED_AS_CODE = re.compile(
    r"\binnerHTML\b|\bouterHTML\b|insertAdjacentHTML|document\.write|\beval\(|new Function|\.srcdoc\b|javascript:"
    r"|setAttribute\(\"style\"|createContextualFragment|DOMParser|setTimeout\(\s*[\"'`]"
)
ELSEWHERE = re.compile(r"https?://(?!www\.w3\.org/2000/svg\")")


def test_all_of_it_is_small() -> None:
    """A page for a bad connection: less than one picture."""
    sent = {name: len(file.compressed or file.content) for name, file in files().items()}
    assert sum(sent.values()) < LARGEST, sent


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_comments_stay_here_and_everything_else_is_sent_on_its_line(path) -> None:  # type: ignore[no-untyped-def]  # a Path
    """Words for those who read the code are not weight for those who use it; an error still names the right line."""
    written = path.read_text("utf-8").split("\n")
    sent = files()[path.name].content.decode().split("\n")
    assert len(sent) == len(written)
    left_out = [line.strip() for line, kept in zip(written, sent, strict=True) if line != kept and not kept]
    changed = [line for line, kept in zip(written, sent, strict=True) if line != kept and kept]
    assert changed == []
    assert all(line.startswith(("/**", "*", "//")) for line in left_out)
    assert [line for line in sent if line.lstrip().startswith(("/**", "* ", "*/", "//"))] == []


def test_what_only_looks_like_a_comment_is_sent() -> None:
    """An address in a string, a pattern, a comment behind code."""
    code = b'const a = "https://x"; // why\nconst b = /\\/\\*/;\n  // gone\nconst c = 1 /** here */ + 2;\n'
    assert without_comments(code) == code.replace(b"  // gone", b"")


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_no_script_makes_markup_or_code_from_text(path) -> None:  # type: ignore[no-untyped-def]  # a Path
    """What people write can only become text."""
    assert PARSED_AS_CODE.findall(path.read_text("utf-8")) == []


def test_nothing_is_fetched_from_elsewhere() -> None:
    """No fonts, no counters, no libraries: what is shown is here."""
    found = {
        path.name: ELSEWHERE.findall(path.read_text("utf-8")) for path in FOLDER.iterdir() if path.name != "icon.svg"
    }
    assert {name: urls for name, urls in found.items() if urls} == {}


def test_the_document_has_no_inline_code_or_style() -> None:
    """Then the policy needs no exception."""
    document = (FOLDER / "index.html").read_text("utf-8")
    assert re.findall(r"<script(?![^>]*\ssrc=)|\son\w+=|\sstyle=|<style", document) == []


def test_every_file_is_served_and_every_import_is_there() -> None:
    """A module that is not in the folder would be noticed by the user only."""
    assert {path.name for path in FOLDER.iterdir()} == set(files())
    for path in SCRIPTS:
        imported = re.findall(r'from "\./([\w.]+)"', path.read_text("utf-8"))
        assert set(imported) <= set(files()), path.name


def test_nothing_is_vendored() -> None:
    """Every line that runs in the page is of this project: no licence, no digest, no update to miss."""
    for path in SCRIPTS:
        assert path.read_text("utf-8").startswith("/** "), path.name
        assert max(map(len, path.read_text("utf-8").splitlines())) < 700, f"{path.name} is minified"


def test_the_policy_allows_nothing_unsafe() -> None:
    """Own files only; no evaluation, no markup from strings."""
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert "trusted-types 'none'" in CONTENT_SECURITY_POLICY


def test_everything_that_needs_attention_has_words() -> None:
    """Whoever is woken at night reads what it means and what to do, not a code."""
    words = (FOLDER / "words.js").read_text("utf-8").partition("export const KINDS")[2].partition("};")[0]
    told = re.findall(r'^  (\w+): \["(?:bad|warn)", "[^"]+", "[^"]+", "[^"]+"\],$', words, re.MULTILINE)
    assert sorted(told) == sorted(Attention)


LEAVE_NO_ROW = {
    *(Operation.GET, Operation.FIND, Operation.SEARCH, Operation.TIMELINE, Operation.PAUSES, Operation.LIST_HELD),
    *(Operation.DEEP_HEALTH, Operation.SEE_PEAKS, Operation.LIST_DERIVED, Operation.SEE_NOW, Operation.READ_AUDIT),
    *(Operation.READ_AUDIT_OF_RECORDING, Operation.LIST_HOLDS, Operation.EXPLAIN, Operation.LIST_DISPOSITION),
    *(Operation.GET_RULES, Operation.GET_ERASURE, Operation.LIST_ERASURES, Operation.CERTIFICATE, Operation.GET_EXPORT),
    *(Operation.LIST_EXPORTS, Operation.LIST_RECEIVERS),
}
OF_THE_APP_ITSELF = {destroy.OPERATION, speaker.OPERATION, export.MADE, compare.ACCEPT, log.ACCEPT_END}


def test_everything_that_leaves_a_row_in_the_trail_has_words() -> None:
    """An auditor reads what was done, not the name of a function: `chunk_media` was "chunk media"."""
    words = (FOLDER / "words.js").read_text("utf-8").partition("const OPERATIONS")[2].partition("};")[0]
    told = re.findall(r'^  (\w+): "[A-Z][^"]+",$', words, re.MULTILINE)
    assert sorted(told) == sorted(set(Operation) - LEAVE_NO_ROW | OF_THE_APP_ITSELF)


def test_the_walk_that_is_shown_has_all_ten_tasks() -> None:
    """`python -m dev walk` writes it from the tests; a task that is left out would be missed here."""
    walk = (DOCS / "console-walk.md").read_text("utf-8")
    told = {int(number) for number in re.findall(r"^(\d+)\. ", walk, re.MULTILINE)}
    assert told >= set(range(1, 11))
