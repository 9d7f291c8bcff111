"""Rules for everything that is in the repository."""

import re
from pathlib import Path

import pytest

from tests.repo.docs.repository import ROOT, repository_files

_CONTENTS = {path: path.read_bytes() for path in repository_files()}
TEXTS = {path: data.decode(errors="ignore") for path, data in _CONTENTS.items() if b"\0" not in data}  # no pictures
LOCKS = [ROOT / "uv.lock", ROOT / "package-lock.json", ROOT / "requirements.txt"]


def places(pattern: str) -> list[str]:
    """Where a pattern occurs, as file:line."""
    return [
        f"{path.relative_to(ROOT)}:{text.count(chr(10), 0, found.start()) + 1}"
        for path, text in TEXTS.items()
        for found in re.finditer(pattern, text, re.IGNORECASE)
    ]


def test_catalog_is_spelt_one_way() -> None:
    """One word for one thing: it is a name in code and in storage."""
    assert places("catalog" + "ue") == []


def test_nothing_names_a_place_on_somebodys_machine() -> None:
    """Such a path works for one person only."""
    homes = {str(path) for path in (ROOT, Path.home()) if path != Path("/")}
    assert [place for home in homes for place in places(re.escape(home) + r"(?=[/\"'\s])")] == []


def test_nothing_is_left_to_do_in_silence() -> None:
    """What is missing is said in the documents, or is an issue."""
    assert places(r"\b(TO" + "DO|FIX" + r"ME|XX" + r"X)\b(?!-)") == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_locks_name_public_registries_only(lock: Path) -> None:
    """A private mirror in a lock file breaks the build of everybody else."""
    public = {
        "pypi.org",
        "files.pythonhosted.org",
        "registry.npmjs.org",
        "github.com",
        "opencollective.com",
        "www.patreon.com",
    }
    hosts = set(
        re.findall(r'(?:registry = |url = |"resolved": |--(?:extra-)?index-url )"?https?://([^/"\s]+)', TEXTS[lock])
    )
    assert hosts - public == set()


HOMELY = (  # CONTRIBUTING.md, "How our English reads"
    r"by the wayside",
    r"waits? for a person",
    r"(a person|somebody) must look",
    r"\bill\b",
    r"not looked at",
    r"\bpapers\b",
    r"\bdoors?\b",
    r"way home|(comes?|came|brought) home",
    r"\bmend(s|ed|ing)?\b",
)


@pytest.mark.parametrize("words", HOMELY)
def test_field_terms_stand_before_homely_words(words: str) -> None:
    """Readers meet the words of the field, in the code that ships and on the pages."""
    pages = ("recording/", "function_app.py", "docs/", "README.md", "CHANGELOG.md")
    assert [place for place in places(words) if place.startswith(pages) and "/adr/" not in place] == []
