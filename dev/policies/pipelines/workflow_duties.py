"""What a workflow must do, as one pure function: the duties that its text does not meet, each by a name."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dev.policies.pipelines.workflow_policy import read
from dev.policies.repository import ROOT

PARAMETERS = set(re.findall(r"\$\{(\w+)", (ROOT / "infra" / "main.parameters.json").read_text(encoding="utf-8")))
# A runner knows nothing of what somebody has told azd: what is not passed on has its default.
PASSED_ON = {
    name: f"${{{{ vars.{name} }}}}"
    for name in {*PARAMETERS, "AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_SUBSCRIPTION_ID"}
}
Job = dict[str, Any]
Place = tuple[str, str]

IN_INFRA = {"paths": ["infra/**", "azure.yaml", ".github/workflows/infra.yml"]}
MAIN = {"branches": ["main"]}
TRIGGERS: Mapping[str, Mapping[str, Any]] = {  # one that is missing is a check that nobody runs
    "build.yml": {"workflow_call": {"outputs": {"sha256": {"value": "${{ jobs.build.outputs.sha256 }}"}}}},
    "codeql.yml": {"push": MAIN, "pull_request": None, "schedule": [{"cron": "17 4 * * 1"}]},
    "dependencies.yml": {"pull_request": None},
    "deploy.yml": {
        "workflow_dispatch": {
            "inputs": {
                "release": {"type": "string", "required": False, "default": ""},
                "far_back": {"type": "boolean", "required": False, "default": False},
            }
        }
    },
    "infra.yml": {"push": {**MAIN, **IN_INFRA}, "pull_request": IN_INFRA, "workflow_dispatch": None},
    "release.yml": {"push": {"tags": ["v[0-9]+.[0-9]+.[0-9]+"]}},
    "test.yml": {"push": MAIN, "pull_request": None, "workflow_call": None},
}
CALLED = {"build.yml"}  # by another workflow only, which has the concurrency
NEVER_BROKEN_OFF = {"deploy.yml", "release.yml"}
NEEDS: Mapping[Place, Any] = {
    ("build.yml", "attest"): "build",
    ("deploy.yml", "build"): "test",
    ("deploy.yml", "deploy"): ["build", "released"],
    ("infra.yml", "preview"): "bicep",
    ("release.yml", "build"): "test",
    ("release.yml", "release"): "build",
}
CONDITIONS: Mapping[Place, str] = {
    ("deploy.yml", "test"): "inputs.release == ''",
    ("deploy.yml", "released"): "inputs.release != ''",
    ("deploy.yml", "deploy"): (
        "!cancelled() && vars.AZURE_SUBSCRIPTION_ID != '' "
        "&& (needs.build.result == 'success' || needs.released.result == 'success')"
    ),
    ("infra.yml", "preview"): "vars.AZURE_SUBSCRIPTION_ID != '' && github.event_name != 'pull_request'",
}
JOBS: Mapping[str, set[str]] = {
    "build.yml": {"build", "attest"},
    "codeql.yml": {"analyze"},
    "dependencies.yml": {"review"},
    "deploy.yml": {"test", "build", "released", "deploy"},
    "infra.yml": {"bicep", "preview"},
    "release.yml": {"test", "build", "release"},
    "test.yml": {"check", "test", "prove", "demo", "audit"},
}
OTHER_WORKFLOWS: Mapping[Place, str] = {
    **{(name, "test"): "./.github/workflows/test.yml" for name in ("deploy.yml", "release.yml")},
    **{(name, "build"): "./.github/workflows/build.yml" for name in ("deploy.yml", "release.yml")},
}
OUTPUTS: Mapping[Place, Mapping[str, str]] = {
    ("build.yml", "build"): {"sha256": "${{ steps.zip.outputs.sha256 }}"},
    ("deploy.yml", "released"): {"sha256": "${{ steps.take.outputs.sha256 }}"},
}
# What a job must call, in this order; whole scripts are executed by test_scripts.py.
ONLY_FROM_BUILD = '--signer-workflow "$GITHUB_REPOSITORY/.github/workflows/build.yml" --deny-self-hosted-runners'
CALLS: Mapping[Place, Sequence[str]] = {
    ("build.yml", "build"): (
        "make package",
        "first=$(cut -d ' ' -f 1 dist/*.zip.sha256)",
        "rm -r dist",
        "make package",
        'test "$first" = "$(sha256sum dist/*.zip',
        'echo "sha256=$first" >> "$GITHUB_OUTPUT"',
    ),
    ("deploy.yml", "released"): (
        '[[ "$RELEASE" =~ ^v[0-9]+\\.[0-9]+\\.[0-9]+$ ]] || { echo "not a release: v1.2.3"; exit 1; }',
        "gh release list",
        "--exclude-drafts --exclude-pre-releases",
        "| sort --version-sort | tail -n 2)",
        'grep --quiet --line-regexp --fixed-strings "$RELEASE" <<< "$known" || [ "$FAR_BACK" = true ] || {',
        "exit 1",
        'gh release download "$RELEASE" --repo "$GITHUB_REPOSITORY"',
        'gh attestation verify dist/*.zip --repo "$GITHUB_REPOSITORY"',
        '--source-ref "refs/tags/$RELEASE"',
        'echo "sha256=$(sha256sum dist/*.zip | cut',
    ),
    ("deploy.yml", "deploy"): (
        'echo "$EXPECTED  $(ls dist/*.zip)" | sha256sum --check',
        'gh attestation verify dist/*.zip --repo "$GITHUB_REPOSITORY"',
        'python3 -m zipfile -e dist/*.zip "$RUNNER_TEMP/released"',
        "form='s/^VERSION = ",
        'stored=$(sed -n "$form" recording/domain/state/chunk.py)',
        'reads=$(sed -n "$form" "$RUNNER_TEMP/released/recording/domain/state/chunk.py"',
        '[ "${reads:-0}" -ge "$stored" ] || [ "$FAR_BACK" = true ] || {',
        "exit 1",
        "azd auth login",
        'azd env new "$AZURE_ENV_NAME" --location "$AZURE_LOCATION"',
        '--subscription "$AZURE_SUBSCRIPTION_ID" --no-prompt',
        "azd env refresh --no-prompt",
        "azd provision --preview --no-prompt",
        "azd provision --no-prompt",
        'azd deploy archive --from-package "$(ls dist/*.zip)" --no-prompt',
    ),
    ("infra.yml", "bicep"): (
        "az bicep install --version v",
        "az bicep lint --file infra/main.bicep",
        "az bicep build --file infra/main.bicep",
        "az bicep lint --file infra/event-subscription-function.bicep",
        "az bicep build --file infra/event-subscription-function.bicep",
    ),
    ("infra.yml", "preview"): ("azd auth login", "azd provision --preview --no-prompt"),
    ("release.yml", "release"): (
        'test -f "dist/acs-recording-archive-${GITHUB_REF_NAME#v}.zip"',
        'gh release create "$GITHUB_REF_NAME" dist/*',
        "--verify-tag",
        '--title "$GITHUB_REF_NAME" --notes "',
    ),
    ("test.yml", "check"): ("make check",),
    ("test.yml", "test"): ("make test",),
    ("test.yml", "prove"): ("make prove",),
    ("test.yml", "demo"): ("make demo",),
    ("test.yml", "audit"): (
        "python -m venv .venv-audit",
        "--require-hashes --requirement tools/audit/requirements.txt",
        "pip-audit --strict --require-hashes --disable-pip --requirement requirements.txt",
        "npm audit --package-lock-only --omit=dev --audit-level=critical",
    ),
}
IN_RELEASES_ONLY = ("azd env refresh", "python3 -m zipfile")
WITHOUT_A_RELEASE = ("azd provision --preview --no-prompt", "azd provision --no-prompt")
MATRICES: Mapping[Place, Mapping[str, Any]] = {
    ("codeql.yml", "analyze"): {"language": ["python", "actions"]},
    ("test.yml", "test"): {"python": ["3.11", "3.12", "3.13", "3.14"]},
    ("test.yml", "prove"): {"proof": ["all", "compatibility", "faults", "chaos", "kills", "mutants"]},
}
VARIABLES: Mapping[Place, Mapping[str, str]] = {
    ("deploy.yml", "deploy"): PASSED_ON,
    ("infra.yml", "preview"): PASSED_ON,
    ("infra.yml", "bicep"): {"AZURE_BICEP_USE_BINARY_FROM_PATH": "false"},
    ("test.yml", "test"): {"CI": "true"},
    ("test.yml", "prove"): {"CI": "true", "PROOF": "${{ matrix.proof }}"},
}
STEP_VARIABLES: Mapping[Place, Mapping[str, str]] = {
    ("deploy.yml", "released"): {
        "GH_TOKEN": "${{ github.token }}",
        "RELEASE": "${{ inputs.release }}",
        "FAR_BACK": "${{ inputs.far_back }}",
    },
    ("deploy.yml", "deploy"): {
        "GH_TOKEN": "${{ github.token }}",
        "EXPECTED": "${{ needs.build.outputs.sha256 || needs.released.outputs.sha256 }}",
        "FAR_BACK": "${{ inputs.far_back }}",
    },
    ("release.yml", "release"): {"GH_TOKEN": "${{ github.token }}"},
}
GIVEN: Mapping[str, Mapping[str, Any]] = {  # to an action, wherever it is used
    "actions/download-artifact": {"name": "package", "path": "dist"},
    "actions/dependency-review-action": {"fail-on-severity": "moderate"},
    "azure/login": {
        "client-id": "${{ vars.AZURE_CLIENT_ID }}",
        "tenant-id": "${{ vars.AZURE_TENANT_ID }}",
        "subscription-id": "${{ vars.AZURE_SUBSCRIPTION_ID }}",
    },
    "github/codeql-action/init": {
        "languages": "${{ matrix.language }}",
        "build-mode": "none",
        "queries": "security-extended",
    },
    "github/codeql-action/analyze": {"category": "${{ matrix.language }}"},
}
ACTIONS_OF: Mapping[Place, Sequence[str]] = {  # in this order; checkout comes first wherever there is one
    ("build.yml", "attest"): ("actions/download-artifact", "actions/attest", "actions/attest"),
    ("build.yml", "build"): (
        "actions/checkout",
        "actions/setup-python",
        "actions/setup-node",
        "actions/upload-artifact",
    ),
    ("codeql.yml", "analyze"): ("actions/checkout", "github/codeql-action/init", "github/codeql-action/analyze"),
    ("dependencies.yml", "review"): ("actions/checkout", "actions/dependency-review-action"),
    ("deploy.yml", "deploy"): ("actions/checkout", "actions/download-artifact", "Azure/setup-azd", "azure/login"),
    ("deploy.yml", "released"): ("actions/upload-artifact",),
    ("infra.yml", "bicep"): ("actions/checkout",),
    ("infra.yml", "preview"): ("actions/checkout", "Azure/setup-azd", "azure/login"),
    ("release.yml", "release"): ("actions/download-artifact",),
    ("test.yml", "audit"): ("actions/checkout", "actions/setup-python"),
    **{
        ("test.yml", job): ("actions/checkout", "actions/setup-python", "actions/setup-node")
        for job in ("check", "test", "prove", "demo")
    },
}
# What each act needs of GitHub; a job has these rights and no other one.
ACTS: Mapping[str, Mapping[str, str]] = {
    "uses actions/checkout": {"contents": "read"},
    "uses actions/attest": {"contents": "read", "id-token": "write", "attestations": "write"},
    "uses github/codeql-action/analyze": {"security-events": "write"},
    "uses ./.github/workflows/test.yml": {"contents": "read"},
    "uses ./.github/workflows/build.yml": {"contents": "read", "id-token": "write", "attestations": "write"},
    "gh release download": {"contents": "read"},
    "gh release create": {"contents": "write"},
    "gh attestation verify dist": {"attestations": "read"},
    "azd auth login": {"id-token": "write"},
}
LOGIN = (
    'azd auth login --client-id "$AZURE_CLIENT_ID" --tenant-id "$AZURE_TENANT_ID" '
    "--federated-credential-provider github"
)
PYTHONS = {"3.11", "3.12", "3.13", "3.14", "${{ matrix.python }}"}
MAY_NOT_SHIP = re.compile(r"\b(?:A?GPL|SSPL|BUSL|CC-BY-NC)", re.IGNORECASE)
LONGEST_MINUTES = 60


def unmet(name: str, text: str) -> set[str]:
    """Return the names of everything that a workflow file must do and does not."""
    workflow = read(text)
    found = {*_of_the_whole(name, workflow)}
    for job_name, job in workflow["jobs"].items():
        found |= {*_of_job((name, job_name), job)}
    return found


def _of_the_whole(name: str, workflow: Mapping[Any, Any]) -> Iterator[str]:
    if _without_descriptions(workflow.get(True)) != TRIGGERS[name]:
        yield "runs at another time"
    if set(workflow["jobs"]) != JOBS[name]:
        yield "a job is missing, or new"
    runs = any("run" in step for job in workflow["jobs"].values() for step in job.get("steps", ()))
    if runs and workflow.get("defaults") != {"run": {"shell": "bash"}}:
        yield "a failure inside a pipe does not count"
    if name not in CALLED and workflow.get("concurrency") != _concurrency(name):
        yield "runs beside itself, or is broken off"


def _concurrency(name: str) -> Mapping[str, Any]:
    stem = name.removesuffix(".yml")
    group = GROUPS.get(name, f"{stem}-${{{{ github.ref }}}}")
    if name in NEVER_BROKEN_OFF:
        return {"group": group, "cancel-in-progress": False}
    always = set(TRIGGERS[name]) == {"pull_request"}
    return {"group": group, "cancel-in-progress": always or "${{ github.event_name == 'pull_request' }}"}


GROUPS = {"deploy.yml": "deploy", "test.yml": "test-${{ github.workflow }}-${{ github.ref }}"}


def _without_descriptions(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_descriptions(item) for key, item in value.items() if key != "description"}
    return value


def _of_job(place: Place, job: Job) -> Iterator[str]:
    if job.get("needs") != NEEDS.get(place):
        yield "does not wait for what it needs"
    condition = job.get("if")
    if (None if condition is None else " ".join(condition.split())) != CONDITIONS.get(place):
        yield "runs under another condition"
    if job.get("permissions") != _rights(job):
        yield "a right that is missing, or that nothing needs"
    if job.get("uses") != OTHER_WORKFLOWS.get(place):
        yield "another workflow than the one that is meant"
    if job.get("outputs", {}) != OUTPUTS.get(place, {}):
        yield "tells other jobs something else"
    ids = {step.get("id") for step in job.get("steps", ())}
    if not set(re.findall(r"steps\.(\w+)\.", str(job.get("outputs", "")))) <= ids:
        yield "tells what no step has found out"
    if "uses" not in job:
        yield from _of_steps(place, job, job.get("steps", []))


def _of_steps(place: Place, job: Job, steps: Sequence[Job]) -> Iterator[str]:
    if not isinstance(job.get("timeout-minutes"), int) or job["timeout-minutes"] > LONGEST_MINUTES:
        yield "may run for hours"
    strategy = job.get("strategy", {})
    if strategy.get("matrix", {}) != MATRICES.get(place, {}) or (strategy and strategy.get("fail-fast") is not False):
        yield "runs on other versions, or not on all of them"
    wanted = VARIABLES.get(place, {})
    if job.get("env", {}) != wanted:
        yield "has other variables"
    seen: dict[str, Any] = {}
    for step in steps:
        seen |= step.get("env", {})
    if seen != STEP_VARIABLES.get(place, {}):
        yield "a step has other variables"
    yield from _of_calls(place, steps)
    yield from _of_actions(place, steps)


def _of_calls(place: Place, steps: Sequence[Job]) -> Iterator[str]:
    script = "\n".join(str(step.get("run", "")) for step in steps)
    at = 0
    for call in CALLS.get(place, ()):
        at = script.find(call, at)
        if at < 0:
            yield "does not do what it is there for"
            return
        at += len(call)
    for line in re.findall(r"gh attestation verify [^\n]*", re.sub(r"\s*\\\n\s*", " ", script)):
        if ONLY_FROM_BUILD not in line:
            yield "takes a zip that another workflow has signed"
    for line in re.findall(r"azd auth login[^\n]*", script):
        if line != LOGIN:
            yield "signs in to Azure in another way"
    for step in steps:
        run = str(step.get("run", "")).strip()
        if place == ("deploy.yml", "deploy"):
            yield from _of_condition(run, step.get("if"))
        elif "if" in step:
            yield "a step that may be left out"


def _of_condition(run: str, condition: str | None) -> Iterator[str]:
    wanted = "inputs.release == ''" if run in WITHOUT_A_RELEASE else None
    wanted = "inputs.release != ''" if any(part in run for part in IN_RELEASES_ONLY) else wanted
    if condition != wanted:
        yield "a step that may be left out"


def _of_actions(place: Place, steps: Sequence[Job]) -> Iterator[str]:
    used = [(str(step["uses"]).partition("@")[0], step.get("with", {})) for step in steps if "uses" in step]
    if tuple(action for action, _ in used) != ACTIONS_OF.get(place, ()):
        yield "other actions, or in another order"
    for action, given in used:
        wanted = GIVEN.get(action, {})
        if {key: given.get(key) for key in wanted} != wanted:
            yield "an action is given something else"
    yield from _of_tools(place, dict(used), steps)
    proofs = [given for action, given in used if action == "actions/attest"]
    if proofs and proofs != [{"subject-path": "dist/*.zip"}, {"subject-path": "dist/*.zip", "sbom-path": SBOM}]:
        yield "attests something else than the zip and what is in it"


SBOM = "dist/sbom.cdx.json"


def _of_tools(place: Place, used: Mapping[str, Mapping[str, Any]], steps: Sequence[Job]) -> Iterator[str]:
    if "actions/setup-python" in used and used["actions/setup-python"].get("python-version") not in PYTHONS:
        yield "another Python"
    if place == ("test.yml", "test") and used.get("actions/setup-python") != MATRIX_PYTHON:
        yield "another Python"
    node = used.get("actions/setup-node", {"node-version": "22"}).get("node-version")
    if node != "22":
        yield "another Node"
    needs_history = any(re.search(r"\bmake (?:test|prove)\b", str(step.get("run", ""))) for step in steps)
    if needs_history and used.get("actions/checkout", {}).get("fetch-depth") != 0:
        yield "the last version cannot be built without the history"
    for step in steps:
        if "upload-artifact" in str(step.get("uses", "")):
            given = step.get("with", {})
            if (given.get("name"), str(given.get("path")).rstrip("/")) != ("package", "dist"):
                yield "hands on something else than the zip"
            if given.get("if-no-files-found") != "error":
                yield "hands on nothing, and is content"
        if "dependency-review" in str(step.get("uses", "")):
            licences = str(step.get("with", {}).get("allow-licenses", ""))
            if not licences or any(MAY_NOT_SHIP.match(one.strip()) for one in licences.split(",")):
                yield "takes a licence that may not ship"


MATRIX_PYTHON = {"python-version": "${{ matrix.python }}"}


def _rights(job: Job) -> Mapping[str, str]:
    """Return the rights that the acts of a job need, the wider one where two need the same."""
    acts = [f"uses {str(job.get('uses', '')).partition('@')[0]}"]
    for step in job.get("steps", ()):
        acts += [f"uses {str(step.get('uses', '')).partition('@')[0]}", str(step.get("run", ""))]
    needed: dict[str, str] = {}
    for act, rights in ACTS.items():
        if any(text == act or (not act.startswith("uses ") and act in text) for text in acts):
            needed |= {scope: right for scope, right in rights.items() if needed.get(scope) != "write"}
    return needed
