"""Links and paths in the pages lead somewhere."""

import re
from pathlib import Path

import pytest

from dev.policies.markdown import anchors, links, spans
from dev.policies.repository import ROOT, documents

_PATH = re.compile(r"(?:recording|dev|tests|docs)/[\w./-]*|function_app\.py|host\.json")
PAGES = [pytest.param(path, id=str(path.relative_to(ROOT))) for path in documents()]


@pytest.mark.parametrize("page", PAGES)
def test_every_relative_link_leads_to_a_file_and_its_heading(page: Path) -> None:
    """A reader who has never met us follows links before asking."""
    for target in links(page):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        name, _, anchor = target.partition("#")
        linked = (page.parent / name).resolve() if name else page
        assert linked.exists(), f"{target} does not exist"
        assert not anchor or anchor in anchors(linked), f"{target}: there is no such heading"


@pytest.mark.parametrize("page", PAGES)
def test_every_path_that_is_named_exists(page: Path) -> None:
    """A page that names a moved file sends its reader astray."""
    named = [span for span in spans(page.read_text(encoding="utf-8")) if _PATH.fullmatch(span)]
    missing = [span for span in named if not (ROOT / span).exists()]
    assert missing == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    """A page that nothing links to is not read."""
    seen, waiting = set[Path](), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in seen or page.suffix != ".md":
            continue
        seen.add(page)
        targets = [target.partition("#")[0] for target in links(page) if not target.startswith("http")]
        waiting += [(page.parent / target).resolve() for target in targets if target]
    assert [page for page in documents() if page not in seen] == []
