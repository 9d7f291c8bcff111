"""The recipes as one app: it installs what it imports, and its pages name its settings."""

import ast
import json
import re
import sys

from dev.policies.repository import ROOT

FOLDER = ROOT / "examples" / "cookbook"


def test_the_requirements_are_what_the_app_imports() -> None:
    """It is deployed alone, with these packages and no others."""
    names = {"azure": "azure-", "requests": "requests", "standardwebhooks": "standardwebhooks"}
    wanted = {re.split(r"[>=]", line)[0] for line in (FOLDER / "requirements.txt").read_text().split()}
    packages = {
        "azure.core": "azure-core",
        "azure.data": "azure-data-tables",
        "azure.functions": "azure-functions",
        "azure.identity": "azure-identity",
        "azure.storage": "azure-storage-blob",
    }
    used = set()
    for path in FOLDER.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for module in modules:
                top = module.split(".")[0]
                if top in sys.stdlib_module_names or top == "recipes":
                    continue
                used.add(packages.get(".".join(module.split(".")[:2]), names.get(top, top)))
    assert used == wanted


def test_the_settings_are_told_on_the_pages() -> None:
    """What the code reads and the example of the settings has, a page explains."""
    code = "".join(path.read_text("utf-8") for path in FOLDER.rglob("*.py"))
    pages = "".join(path.read_text("utf-8") for path in (ROOT / "docs" / "cookbook").glob("*.md"))
    read = set(re.findall(r'(?:setting|has)\(\s*"([A-Z_]+)"', code)) | set(re.findall(r'SWITCH = "([A-Z_]+)"', code))
    example = json.loads((FOLDER / "local.settings.json.example").read_text("utf-8"))["Values"]
    told_of = set(re.findall(r"`([A-Z_]{6,})`", pages))
    assert read <= told_of
    assert set(example) - {"FUNCTIONS_WORKER_RUNTIME", "AzureWebJobsStorage"} <= told_of
