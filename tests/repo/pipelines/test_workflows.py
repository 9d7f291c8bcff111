"""The workflows obey the policy, and the policy finds what it must: every fault is planted once."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from dev.policies.pipelines import workflow_duties, workflow_policy
from dev.policies.pipelines.planted_workflows import PLANTED
from dev.policies.pipelines.workflow_mutants import HARMLESS, is_harmless, mutants
from dev.policies.pipelines.workflow_policy import ACTIONS, ENVIRONMENTS, WRITERS
from dev.policies.pipelines.workflow_texts import TEXTS, changed, faults
from dev.policies.repository import ROOT


def jobs(name: str) -> dict[str, Any]:
    """The jobs of a workflow."""
    found: dict[str, Any] = yaml.safe_load(TEXTS[name])["jobs"]
    return found


def commands(job: dict[str, Any]) -> str:
    """All that a job runs."""
    return "\n".join(str(step.get("run", step.get("uses", ""))) for step in job["steps"])


@pytest.mark.parametrize("name", TEXTS)
def test_a_workflow_obeys_the_policy(name: str) -> None:
    """A workflow holds the keys of the house and is read by few."""
    assert faults(name, TEXTS[name]) == set()


@pytest.mark.parametrize(("name", "old", "new", "fault"), PLANTED)
def test_a_planted_fault_is_named(name: str, old: str, new: str, fault: str) -> None:
    """A policy that finds nothing looks like workflows that are right."""
    assert fault in faults(name, changed(name, old, new))


def test_every_line_and_every_choice_of_a_workflow_matters() -> None:
    """Each line left out, each choice turned round: a fault is named, or there is a reason why it is none."""
    left = [mutant for mutant in mutants() if not faults(mutant.name, mutant.text) and not is_harmless(mutant)]
    assert [str(mutant) for mutant in left] == []


def test_a_change_that_was_not_made_is_not_counted() -> None:
    """Otherwise the list of faults would grow old in silence."""
    with pytest.raises(ValueError, match="has no"):
        changed("test.yml", "not in there", "")
    assert all(any(is_harmless(one) and one.what.find(text) >= 0 for one in mutants()) for _, text, _ in HARMLESS)


def test_every_fault_that_is_named_anywhere_has_been_planted() -> None:
    """A rule that nothing has tripped may be one that nothing can trip."""
    sources = [Path(str(module.__file__)).read_text(encoding="utf-8") for module in (workflow_policy, workflow_duties)]
    named = {found for text in sources for found in re.findall(r'yield "([^"]+)"', text)}
    assert named - {fault for *_, fault in PLANTED} == set()


def test_the_proofs_that_take_long_run_beside_each_other() -> None:
    """One that is not in the matrix is run by nobody but whoever knows of it."""
    text = (ROOT / "dev/prove/runner.py").read_text(encoding="utf-8")
    longer = re.findall(r'^        "(\w+)":', text.partition("longer: dict")[2].partition("}")[0], re.MULTILINE)
    assert set(jobs("test.yml")["prove"]["strategy"]["matrix"]["proof"]) == {"all", *longer}


def test_nothing_is_allowed_that_is_not_used() -> None:
    """An allowance for a job that has gone is an open door for the next one of that name."""
    places = {(name, job) for name in TEXTS for job in jobs(name)}
    used = {line.partition("@")[0] for line in re.findall(r"uses: ([^.\s]\S+)", "\n".join(TEXTS.values()))}
    assert WRITERS.keys() | ENVIRONMENTS.keys() <= places
    assert used == ACTIONS.keys()


def test_pull_requests_run_all_that_make_runs_on_every_python() -> None:
    """What is green there is green here, and on every version that the app may run on."""
    tests = jobs("test.yml")
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert tests["test"]["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13", "3.14"]
    assert 'requires-python = ">=3.11,<3.15"' in project
    assert "make check" in commands(tests["check"])
    assert "make test" in commands(tests["test"])
    assert "make demo" in commands(tests["demo"])
    assert "pip-audit --strict --require-hashes" in commands(tests["audit"])


def test_production_gets_only_what_was_tested_built_and_attested_here() -> None:
    """The zip is not built again for the deployment: it is the attested one, by digest and by signature."""
    deploy = jobs("deploy.yml")
    assert (deploy["build"]["needs"], deploy["deploy"]["needs"]) == ("test", ["build", "released"])
    lines = commands(deploy["deploy"])
    assert lines.index("sha256sum --check") < lines.index("gh attestation verify") < lines.index("azd deploy")
    assert "--from-package" in lines
    assert "make package" not in lines
    assert set(yaml.safe_load(TEXTS["deploy.yml"])[True]) == {"workflow_dispatch"}


def test_a_deployment_needs_one_of_two_proofs() -> None:
    """A job that was skipped is no success: either this commit was tested and built, or a release was verified."""
    deploy = jobs("deploy.yml")
    condition = deploy["deploy"]["if"]
    assert "(needs.build.result == 'success' || needs.released.result == 'success')" in condition
    assert "!cancelled()" in condition
    assert "always()" not in condition
    assert (deploy["test"]["if"], deploy["released"]["if"]) == ("inputs.release == ''", "inputs.release != ''")


def test_a_release_is_rolled_back_to_by_name_and_by_proof() -> None:
    """The name is checked before it is used, the zip before it is handed on, and the templates stay as they are."""
    released, deploy = jobs("deploy.yml")["released"], jobs("deploy.yml")["deploy"]
    lines = commands(released)
    assert lines.index("=~ ^v[0-9]+") < lines.index("gh release download") < lines.index("gh attestation verify")
    conditions = {step.get("run", "").strip(): step.get("if") for step in deploy["steps"]}
    assert (
        conditions["azd provision --no-prompt"]
        == conditions["azd provision --preview --no-prompt"]
        == "inputs.release == ''"
    )
    assert [run for run in conditions if run.startswith("azd deploy") and conditions[run] is None]
    assert any("azd env refresh" in run and on == "inputs.release != ''" for run, on in conditions.items())
    page = (ROOT / "docs/runbook.md").read_text(encoding="utf-8")
    assert "gh workflow run deploy.yml --field release=" in page


def test_a_preview_comes_before_anything_is_changed() -> None:
    """The log of a deployment shows what it was about to do."""
    lines = commands(jobs("deploy.yml")["deploy"])
    assert lines.index("azd provision --preview") < lines.index("azd provision --no-prompt")
    assert "AZURE_SUBSCRIPTION_ID" in jobs("infra.yml")["preview"]["if"]


def test_the_templates_are_compiled_and_linted_by_a_named_version() -> None:
    """Another compiler may say something else tomorrow."""
    lines = commands(jobs("infra.yml")["bicep"])
    assert re.search(r"az bicep install --version v\d+\.\d+\.\d+", lines)
    assert "az bicep lint --file infra/main.bicep" in lines
    assert "az bicep build --file infra/main.bicep" in lines


def test_a_release_is_built_twice_and_its_tag_names_its_version() -> None:
    """Two equal builds prove that anybody can make a third."""
    assert commands(jobs("build.yml")["build"]).count("make package") == 2
    assert "acs-recording-archive-${GITHUB_REF_NAME#v}.zip" in commands(jobs("release.yml")["release"])


def test_every_kind_of_dependency_is_kept_up_to_date() -> None:
    """What is pinned gets old unseen."""
    updates = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text(encoding="utf-8"))["updates"]
    assert {entry["package-ecosystem"] for entry in updates} == {"uv", "pip", "npm", "github-actions", "docker"}
    (tools,) = (entry["directories"] for entry in updates if entry["package-ecosystem"] == "pip")
    assert set(tools) == {f"/{path.parent.relative_to(ROOT)}" for path in ROOT.glob("tools/*/requirements.in")}


@pytest.mark.parametrize("path", sorted(ROOT.glob("tools/*/requirements.txt")), ids=lambda path: path.parent.name)
def test_the_tools_are_pinned_with_hashes(path: Path) -> None:
    """A checker that changes by itself is red on a day when nobody changed anything."""
    text = path.read_text(encoding="utf-8")
    packages = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
    assert packages
    assert all(re.match(r"^[\w.\[\],-]+==[\w.]+( ;.*)? \\$", line) for line in packages)
    (wanted,) = re.findall(r"^([\w-]+==\S+)$", path.with_suffix(".in").read_text(encoding="utf-8"), re.MULTILINE)
    assert f"\n{wanted} \\\n" in text


def test_the_dev_container_has_what_make_needs() -> None:
    """One click, and `make demo` works: the same Python and Node as in the workflows."""
    text = (ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8")
    container = json.loads(text)
    dockerfile = (ROOT / ".devcontainer" / container["build"]["dockerfile"]).read_text(encoding="utf-8")
    images = re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)
    assert container["postCreateCommand"] == "make install"
    assert [image.rpartition("/")[2].partition(":")[0] for image in images] == ["node", "python"]
    assert all(re.search(r":\d+[.-]\d+", image) for image in images)
    assert "make" in dockerfile


@pytest.mark.parametrize("parameters", sorted(ROOT.glob("infra/main.parameters.json")), ids=lambda path: path.name)
@pytest.mark.parametrize(("name", "job"), ENVIRONMENTS)
def test_a_runner_passes_on_every_parameter_of_the_templates(parameters: Path, name: str, job: str) -> None:
    """One that is left out has its default: a second ACS resource is made beside the one that you have."""
    wanted = set(re.findall(r"\$\{(\w+)", parameters.read_text(encoding="utf-8"))) - {"AZURE_PRINCIPAL_ID"}
    passed = jobs(name)[job]["env"]
    assert wanted - passed.keys() == set()
    assert {f"${{{{ vars.{name} }}}}" for name in passed} == set(passed.values())


@pytest.mark.parametrize("project", sorted(ROOT.glob("azure.yaml")), ids=lambda path: path.name)
def test_the_zip_is_deployed_as_the_service_that_azd_knows(project: Path) -> None:
    """`azd deploy` of another name ends after everything else has been changed."""
    services = yaml.safe_load(project.read_text(encoding="utf-8"))["services"]
    (deployed,) = re.findall(r"azd deploy (\S+) --from-package", commands(jobs("deploy.yml")["deploy"]))
    assert deployed in services
