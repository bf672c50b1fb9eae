"""The house rules that no linter knows."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("federation", "migrations", "node", "policy", "schema")
MODULES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("name", FOLDERS)
def test_no_other_distribution_owns_our_import_names(name):
    owners = set(packages_distributions().get(name, []))
    assert owners <= {"verbund"}, f"{name} is also installed by {owners}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_is_small_and_says_what_it_is(path):
    text = path.read_text(encoding="utf-8")
    if path.parent.name != "versions":
        assert len(text.splitlines()) <= 400, "split it"
    assert ast.get_docstring(ast.parse(text)), "say in a line what lives here"


def test_only_the_settings_read_the_environment():
    readers = [
        path.name for path in MODULES if "environ" in path.read_text(encoding="utf-8").replace("environment", "")
    ]
    assert readers == ["environment.py"], "node.settings.environment"


def test_only_commands_print():
    for path in MODULES:
        calls = (
            node.func for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)
        )
        names = {call.id for call in calls if isinstance(call, ast.Name)}
        assert "print" not in names or "cli" in path.parts, path


def test_the_import_contracts_hold():
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    assert "0 broken" in done.stdout
