"""What a workflow may do, as one pure function: the faults of its text, each by a name."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import yaml

# Every action in use, at the one commit that was looked at. A new one is a decision, and is written down here.
ACTIONS = {
    "actions/checkout": "3d3c42e5aac5ba805825da76410c181273ba90b1",
    "actions/setup-python": "5fda3b95a4ea91299a34e894583c3862153e4b97",
    "actions/setup-node": "820762786026740c76f36085b0efc47a31fe5020",
    "actions/upload-artifact": "043fb46d1a93c77aae656e7c1c64a875d1fc6a0a",
    "actions/download-artifact": "3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c",
    "actions/attest": "1e69f48acb82d1966a394da916b4c1698aa569d6",
    "actions/dependency-review-action": "a1d282b36b6f3519aa1f3fc636f609c47dddb294",
    "github/codeql-action/init": "cdf488f595d80d6e07e03d4674febd5ab45fa938",
    "github/codeql-action/analyze": "cdf488f595d80d6e07e03d4674febd5ab45fa938",
    "Azure/setup-azd": "c495e71ba59e44bfaaac10a32c8ee90d191ca4a3",
    "azure/login": "7ddb5af1ef8758cf1353cf3b42f940aee27ba21c",
}
# The only permissions to write, and the only jobs that have them.
WRITERS = {
    ("codeql.yml", "analyze"): {"security-events"},
    ("infra.yml", "preview"): {"id-token"},
    ("build.yml", "attest"): {"id-token", "attestations"},
    ("deploy.yml", "build"): {"id-token", "attestations"},
    ("deploy.yml", "deploy"): {"id-token"},
    ("release.yml", "build"): {"id-token", "attestations"},
    ("release.yml", "release"): {"contents"},
}
# Jobs that sign in to Azure, and the environment whose rules (approval, branches) stand before them.
ENVIRONMENTS = {("infra.yml", "preview"): "preview", ("deploy.yml", "deploy"): "production"}
TRIGGERS = {"push", "pull_request", "workflow_dispatch", "workflow_call", "schedule"}

_USES = re.compile(r"^\s*(?:- )?uses: (\S+)(.*)$", re.MULTILINE)


@lru_cache(maxsize=32)
def read(text: str) -> dict[Any, Any]:
    """Return a workflow file as values; nobody may change them.

    Raises:
        yaml.YAMLError: it is no YAML.
    """
    workflow: dict[Any, Any] = yaml.load(text, Loader=_LOADER)  # noqa: S506 - the safe one, in C  # nosec B506
    return workflow


_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def faults(name: str, text: str) -> set[str]:
    """Return the names of everything in a workflow file that the policy does not allow."""
    workflow = read(text)
    found = {*_of_the_whole(workflow), *_of_uses(text)}
    for job_name, job in workflow["jobs"].items():
        found |= {*_of_job((name, job_name), job, _triggers(workflow))}
        for step in job.get("steps", ()):
            found |= {*_of_step(step)}
    return found


def _of_the_whole(workflow: dict[Any, Any]) -> Iterator[str]:
    if workflow.get("permissions") != {}:
        yield "permissions for every job"
    if _triggers(workflow) - TRIGGERS:
        yield "trigger with rights for strangers"
    if "concurrency" not in workflow and _triggers(workflow) != {"workflow_call"}:
        yield "no concurrency"
    if "env" in workflow:
        yield "environment for every job"


def _triggers(workflow: dict[Any, Any]) -> set[str]:
    on = workflow[True]  # YAML 1.1 reads `on` as true
    return {on} if isinstance(on, str) else set(on)


def _of_uses(text: str) -> Iterator[str]:
    for target, comment in _USES.findall(text):
        if target.startswith("./"):
            continue
        action, _, commit = target.partition("@")
        if not re.fullmatch(r"[0-9a-f]{40}", commit):
            yield "action not pinned to a commit"
        elif ACTIONS.get(action) != commit:
            yield "action or commit that nobody looked at"
        if not re.fullmatch(r" # v\d+\.\d+\.\d+", comment):
            yield "commit without its version beside it"


def _of_job(place: tuple[str, str], job: dict[str, Any], triggers: set[str]) -> Iterator[str]:
    permissions = job.get("permissions", {})
    if "permissions" not in job or not isinstance(permissions, dict):
        yield "job without permissions of its own"
        return
    writes = {scope for scope, right in permissions.items() if right == "write"}
    if writes - WRITERS.get(place, set()):
        yield "permission to write"
    if job.get("environment") != ENVIRONMENTS.get(place):
        yield "wrong environment"
    if "pull_request" in triggers and "id-token" in writes and "pull_request" not in str(job.get("if", "")):
        yield "token of a pull request"
    if "uses" in job:
        return
    if not isinstance(job.get("timeout-minutes"), int):
        yield "no timeout"
    if job["runs-on"] != "ubuntu-24.04":
        yield "runner that changes by itself"
    if "continue-on-error" in job:
        yield "failure that does not count"


def _of_step(step: dict[str, Any]) -> Iterator[str]:
    run = str(step.get("run", ""))
    if "${{" in run:
        yield "expression inside a script"
    if re.search(r"(curl|wget)\b.*\|\s*(sudo )?(ba)?sh\b", run):
        yield "script from the network"
    if any(re.search(r"\bpip install\b", line) and "--require-hashes" not in line for line in run.splitlines()):
        yield "package without a hash"
    if re.search(r"\bnpx?\b(?! (ci|audit))", run) or re.search(r"\b(uvx|pipx)\b", run):
        yield "package without a lock"
    if "secrets." in str(step) or "secrets[" in str(step):
        yield "secret"
    if "continue-on-error" in step:
        yield "failure that does not count"
    is_checkout = str(step.get("uses", "")).startswith("actions/checkout@")
    if is_checkout and step.get("with", {}).get("persist-credentials") is not False:
        yield "token left in the checkout"
