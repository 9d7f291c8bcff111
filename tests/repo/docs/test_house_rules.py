"""Rules for everything that is in the repository."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.policies.repository import ROOT, repository_files

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


HOMELY = (  # CONTRIBUTING.md, "How we write English"
    r"by the wayside",
    r"waits? for a person",
    r"(a person|somebody) must look",
    r"\bill\b",
    r"not looked at",
    r"\bpapers\b",
    r"\bdoors?\b",
    r"way home|(comes?|came|brought) home",
    r"\bmend(s|ed|ing)?\b",
    r"\b(who(m)?ever|somebody)\b",
    r"\bfor ever\b",
    r"\bkept for a person\b",
    r"(?<!there )(?<!There )\b(is|are|was|were) no (?!longer\b|more\b|such\b|other\b|larger\b)[a-z]",
    r"\b(tells?|told|hears?) of\b",
    r"\bback to work\b",
    r"\bgo(es)? on where\b",
    r"\blets? go of\b",
    r"\bhow (it|they|each|everything|receivers?) stands?\b",
    r"\blies? (in|beside|there)\b",
    r"\bbe brought back\b",
)


@pytest.mark.parametrize("words", HOMELY)
def test_field_terms_stand_before_homely_words(words: str) -> None:
    """Readers meet the words of the field, in the code that ships and on the pages."""
    pages = ("recording/", "function_app.py", "docs/", "README.md", "CHANGELOG.md")
    assert [place for place in places(words) if place.startswith(pages) and "/adr/" not in place] == []


NO_VERB = re.compile(
    r"(A|All|An|Another|Any|As|At|Behind|Both|By|Each|Every|Everything|First|Five|For|From|Half|How|If|In|It|Its|Like|Many|"
    r"No|None|Nobody|Nothing|Of|On|One|Only|Our|Several|Since|So|Some|Somebody|Such|That|The|There|This|Three|Two|Up|What|"
    r"Whatever|When|Where|Whether|Which|Who|Whoever|Why|With|Without)\b"
)
VERB = re.compile(r"(?:[A-Z][a-z]+(?:-[a-z]+)?|GET|POST|PUT|PATCH|DELETE)\b")


def begins_with_verb(docstring: str) -> bool:
    """Return whether the first word can be an imperative: no article, no question word, no third person."""
    found = VERB.match(docstring)
    word = found[0] if found else ""
    return bool(word) and not NO_VERB.match(word) and not (word.endswith("s") and not word.endswith(("ss", "us")))


def public_functions(node: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield the public functions of a module and the public methods of its classes."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) and not child.name.startswith("_"):
            yield child
        elif isinstance(child, ast.ClassDef):
            yield from public_functions(child)


@pytest.mark.parametrize("folder", ["recording/", "dev/", "function_app.py"])
def test_docstrings_begin_with_a_verb(folder: str) -> None:
    """The first line of a function says what it does; that of a class or module may name what it is."""
    odd = []
    for path, text in TEXTS.items():
        name = str(path.relative_to(ROOT))
        if path.suffix == ".py" and name.startswith(folder):
            for function in public_functions(ast.parse(text)):
                said = ast.get_docstring(function)
                if said and not begins_with_verb(said):
                    odd.append(f"{name}:{function.lineno}: {said.splitlines()[0]}")
    assert odd == []


@pytest.mark.parametrize(
    ("docstring", "is_fine"),
    [
        ("Return the row.", True),
        ("Re-queue what is overdue.", True),
        ("GET the rows.", True),
        ("Pass it on.", True),
        ("Returns the row.", False),
        ("The row.", False),
        ("Whether it is there?", False),
        ("`row` by its key.", False),
        ("202 at once.", False),
    ],
)
def test_what_counts_as_a_verb(docstring: str, is_fine: bool) -> None:
    """A rule that lets everything pass holds nothing."""
    assert begins_with_verb(docstring) is is_fine
