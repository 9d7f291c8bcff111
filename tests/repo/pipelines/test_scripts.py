"""The scripts of the workflows that decide what goes into production, executed with stand-ins for their tools."""

import hashlib
import re
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from dev.policies.pipelines.workflow_texts import TEXTS
from dev.policies.repository import ROOT
from recording.domain.state import chunk
from tests.repo.stand_ins import Desk, are_installed

pytestmark = pytest.mark.skipif(are_installed("gh", "azd"), reason="the real tools are on the path")
ZIP = "acs-recording-archive-1.2.3.zip"
VERIFY = "attestation verify dist/acs-recording-archive-1.2.3.zip --repo owner/repo"
RELEASES = "v1.2.3\nv1.1.0\nv1.10.0\nv1.9.9"


def script(name: str, job: str, part: str) -> str:
    """Return the script of a step that has some words in it."""
    steps: list[dict[str, Any]] = yaml.safe_load(TEXTS[name])["jobs"][job]["steps"]
    (found,) = [str(step["run"]) for step in steps if part in str(step.get("run", ""))]
    return found


TAKE = script("deploy.yml", "released", "gh release download")
CHECK = script("deploy.yml", "deploy", "sha256sum --check")
READS = script("deploy.yml", "deploy", "python3 -m zipfile")
TAG = script("release.yml", "release", "test -f")


@dataclass
class Runner:
    """A runner of GitHub's with a zip in `dist/`, and what `gh` answers."""

    folder: Path
    releases: str = RELEASES
    is_attested: bool = True
    is_there: bool = True
    form: str = "VERSION = 1  # of messages\n"
    expected: str = ""
    variables: dict[str, str] = field(default_factory=dict)

    def runs(self, text: str, **variables: str) -> bool:
        """Return whether a script ends well."""
        place, desk = self.folder / "work", Desk(self.folder / "bin", ("gh",))
        (place / "dist").mkdir(parents=True)
        state = place / "recording" / "domain" / "state"
        state.mkdir(parents=True)
        (state / "chunk.py").write_text("VERSION = 1  # of messages\n")
        if self.is_there:
            with zipfile.ZipFile(place / "dist" / ZIP, "w") as made:
                made.writestr("function_app.py", "")
                if self.form:
                    made.writestr("recording/domain/state/chunk.py", self.form)
        desk.answers("gh release list", self.releases, always=self.releases == "")
        desk.answers("gh release download", always=not self.is_there)
        desk.answers("gh attestation verify", always=not self.is_attested)
        given = {
            "GITHUB_REPOSITORY": "owner/repo",
            "GITHUB_OUTPUT": str(self.folder / "output"),
            "GITHUB_REF_NAME": "v1.2.3",
            "RUNNER_TEMP": str(self.folder / "temp"),
            "EXPECTED": self.expected or self.digest,
            "FAR_BACK": "false",
        }
        done = desk.run(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", text], place, {**given, **variables})
        self.calls, self.said = desk.calls, done.stdout + done.stderr
        return done.returncode == 0

    @property
    def digest(self) -> str:
        """Return the digest of the zip."""
        path = self.folder / "work" / "dist" / ZIP
        return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""

    calls: list[str] = field(default_factory=list)
    said: str = ""


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    """A runner on which everything is in order."""
    return Runner(tmp_path)


# --- the zip of a release ---------------------------------------------------------------------------------------------


def test_an_attested_release_is_taken(runner: Runner) -> None:
    """Its digest is what the deployment must find again, and it was signed for that tag by the workflow that builds."""
    assert runner.runs(TAKE, RELEASE="v1.9.9"), runner.said
    assert f"sha256={runner.digest}" in (runner.folder / "output").read_text()
    (verified,) = [call for call in runner.calls if "attestation verify" in call]
    assert "--signer-workflow owner/repo/.github/workflows/build.yml --deny-self-hosted-runners" in verified
    assert verified.endswith("--source-ref refs/tags/v1.9.9")
    assert verified.startswith(f"gh {VERIFY}")


@pytest.mark.parametrize(
    "name",
    [
        *("1.9.9", "v1.9", "v1.9.9-rc1", "main", "latest", "", " v1.9.9", "v1.9.9\nv1.9.9", "v1.9.9;id"),
        *("../v1.9.9", "$(id)", "--help", "refs/tags/v1.9.9", "v1.9.x"),
    ],
)
def test_a_name_that_is_no_release_reaches_no_tool(runner: Runner, name: str) -> None:
    """It is typed by a person, and is part of a command line and of a file name."""
    assert not runner.runs(TAKE, RELEASE=name)
    assert runner.calls == []


def test_a_zip_that_was_not_signed_here_is_not_taken(runner: Runner) -> None:
    """Whoever can change the files of a release must not reach production by it."""
    runner.is_attested = False
    assert not runner.runs(TAKE, RELEASE="v1.9.9")
    assert not (runner.folder / "output").exists()


def test_a_release_without_a_zip_ends_it(runner: Runner) -> None:
    """A name that matches nothing is no empty deployment."""
    runner.is_there = False
    assert not runner.runs(TAKE, RELEASE="v1.9.9")


@pytest.mark.parametrize(("name", "taken"), [("v1.10.0", True), ("v1.9.9", True), ("v1.2.3", False), ("v1.1.0", False)])
def test_only_the_newest_and_the_one_before_are_taken(runner: Runner, name: str, taken: bool) -> None:
    """One version back is proved to read what the newest wrote; by number, not by letter: 1.10 is after 1.9."""
    assert runner.runs(TAKE, RELEASE=name) is taken
    assert ("more than one version back" in runner.said) is not taken


def test_further_back_is_a_choice(runner: Runner) -> None:
    """Somebody has read the page, and says so."""
    assert runner.runs(TAKE, RELEASE="v1.1.0", FAR_BACK="true"), runner.said


def test_a_list_that_cannot_be_read_is_no_yes(runner: Runner) -> None:
    """A failure at the beginning of a pipe counts."""
    runner.releases = ""
    assert not runner.runs(TAKE, RELEASE="v1.9.9")


# --- what is deployed -------------------------------------------------------------------------------------------------


def test_what_was_built_and_signed_is_deployed(runner: Runner) -> None:
    """The zip that another job handed on is still that zip."""
    assert runner.runs(CHECK), runner.said
    (verified,) = [call for call in runner.calls if "attestation verify" in call]
    assert "--signer-workflow owner/repo/.github/workflows/build.yml --deny-self-hosted-runners" in verified


def test_another_zip_than_the_one_that_was_built_is_not(runner: Runner) -> None:
    """Between two jobs it is an artifact, which others can write."""
    runner.expected = "0" * 64
    assert not runner.runs(CHECK)
    assert runner.calls == []


def test_no_digest_is_no_match(runner: Runner) -> None:
    """An output of a job that was skipped is an empty text."""
    assert not runner.runs(CHECK, EXPECTED="")


def test_a_zip_without_a_signature_is_not_deployed(runner: Runner) -> None:
    """The digest alone says what was handed on, not where it was built."""
    runner.is_attested = False
    assert not runner.runs(CHECK)


@pytest.mark.parametrize(
    ("form", "far_back", "deployed"),
    [
        ("VERSION = 1  # of messages\n", "false", True),
        ("VERSION = 2\n", "false", True),
        ("VERSION = 10\n", "false", True),
        ("VERSION = 0\n", "false", False),
        ("VERSIONS = 1\n", "false", False),
        ("", "false", False),
        ("VERSION = 0\n", "true", True),
        ("", "true", True),
    ],
)
def test_a_release_that_cannot_read_what_is_stored_is_not_deployed(
    runner: Runner, form: str, far_back: str, deployed: bool
) -> None:
    """Its workers would leave each message on the queue until ACS has forgotten the recording."""
    runner.form = form
    assert runner.runs(READS, FAR_BACK=far_back) is deployed, runner.said
    assert ("is stored" in runner.said) is not deployed


def test_the_stored_form_is_where_the_script_looks_for_it() -> None:
    """A constant that has moved must not look like one that nobody reads."""
    text = Path(str(chunk.__file__)).read_text(encoding="utf-8")
    assert re.findall(r"^VERSION = (\d+)", text, re.MULTILINE) == [str(chunk.VERSION)]
    assert str(Path(str(chunk.__file__)).relative_to(ROOT)) in READS


@pytest.mark.parametrize(("tag", "published"), [("v1.2.3", True), ("v1.2.4", False), ("1.2.3", True)])
def test_a_tag_that_names_another_version_is_not_published(runner: Runner, tag: str, published: bool) -> None:
    """The zip has the version of the code; the tag is a text that somebody typed."""
    assert runner.runs(TAG, GITHUB_REF_NAME=tag) is published


# Script, what is wrong, the variables: each must fail, and does with every line in its place.
STORIES: tuple[tuple[str, dict[str, Any], dict[str, str]], ...] = (
    (TAKE, {}, {"RELEASE": "v1.9", "FAR_BACK": "true"}),
    (TAKE, {}, {"RELEASE": "v1.1.0"}),
    (TAKE, {"is_attested": False}, {"RELEASE": "v1.9.9"}),
    (CHECK, {"expected": "0" * 64}, {}),
    (CHECK, {"is_attested": False}, {}),
    (READS, {"form": "VERSION = 0\n"}, {}),
)


@pytest.mark.parametrize(
    ("text", "without"),
    [
        (text, line)
        for text in (TAKE, CHECK, READS)
        for line in text.splitlines()
        if line.startswith(("[[", "gh attestation", "grep", "[ ", 'echo "$EXPECTED'))
    ],
    ids=lambda value: value[:24] if "\n" not in value else "script",
)
def test_each_guard_of_a_script_is_what_refuses(tmp_path: Path, text: str, without: str) -> None:
    """Without its guard, one of the stories above would end in a deployment."""
    lines = _without(text, without)
    passed = 0
    for at, (whole, wrong, variables) in enumerate(STORIES):
        if whole is text:
            assert not Runner(tmp_path / f"whole-{at}", **wrong).runs(text, **variables)
            passed += Runner(tmp_path / str(at), **wrong).runs(lines, **variables)
    assert passed > 0


def _without(text: str, guard: str) -> str:
    """Return a script without one command and the lines that go on with it."""
    kept, is_left_out = [], False
    for line in text.splitlines():
        is_left_out = line == guard or (is_left_out and line.startswith((" ", "}")))
        if not is_left_out:
            kept.append(line)
    return "\n".join(kept)
