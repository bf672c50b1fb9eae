"""The container file, as far as it can be told without building it: after hadolint's rules, and what it copies is there.

Its base is checked in tests/helm/test_chart.py.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch

import pytest
import yaml

from node.cli.main import COMMANDS
from tests.helm.chart import CHART, ROOT

Instruction = tuple[str, str]


def instructions() -> list[Instruction]:
    """Name and arguments; continued lines are joined, comments left out."""
    text = re.sub(r"(?m)^\s*#.*\n", "", (ROOT / "Containerfile").read_text(encoding="utf-8"))
    lines = [line for line in re.sub(r"\\\n\s*", " ", text).splitlines() if line.strip()]
    return [(name.upper(), rest) for name, _, rest in (line.partition(" ") for line in lines)]


def stages() -> list[list[Instruction]]:
    found: list[list[Instruction]] = [[]]
    for one in instructions():
        if one[0] == "FROM":
            found.append([])
        found[-1].append(one)
    return found[1:]


def of(stage: list[Instruction], name: str) -> Iterator[str]:
    return (rest for kind, rest in stage if kind == name)


BUILD, RESULT = stages()


def test_what_is_copied_is_there_and_not_ignored():
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    kept = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    assert ignored[0] == "*", "nothing goes to the builder but what is named"
    for rest in of(BUILD, "COPY"):
        source = rest.split()[0]
        assert (ROOT / source).exists(), source
        assert source in kept, source
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"][
        "packages"
    ]
    assert set(packages) <= {rest.split()[0] for rest in of(BUILD, "COPY")}, "every package of the wheel is copied"


def test_the_result_gets_what_was_built_and_nothing_else():
    assert list(of(RESULT, "COPY")) == ["--from=build /opt/verbund /opt/verbund"]
    for rest in of(RESULT, "RUN"):
        for word in ("apt", "pip install", "curl", "wget", "gcc", "make ", "npm", "uv ", "git "):
            assert word not in rest, rest
        assert "rm -rf" in rest
        assert "pip" in rest, "the base's own pip goes"
    assert "uninstall --yes pip" in " ".join(of(BUILD, "RUN"))


def test_it_runs_as_a_numbered_user_without_rights():
    kinds = [kind for kind, _ in RESULT]
    (user,) = of(RESULT, "USER")
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user), "Kubernetes' runAsNonRoot needs a number"
    assert "RUN" not in kinds[kinds.index("USER") :], "what was made before it belongs to root"
    assert json.loads(next(of(RESULT, "ENTRYPOINT"))) == ["verbund"]
    assert "verbund" in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert json.loads(next(of(RESULT, "CMD")))[0] in COMMANDS
    assert next(of(RESULT, "WORKDIR")) == "/var/lib/verbund"
    assert "VERBUND_HOME=/var/lib/verbund" in next(of(RESULT, "ENV"))


def test_ports_are_those_of_the_chart():
    metrics = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))["telemetry"]["metricsPort"]
    assert next(of(RESULT, "EXPOSE")).split() == ["8080", str(metrics)]


@pytest.mark.parametrize(("kind", "rest"), [one for stage in stages() for one in stage])
def test_rules_of_hadolint(kind, rest):
    assert kind not in {"ADD", "MAINTAINER", "SHELL"}, "DL3020, DL4000"
    assert "sudo" not in rest, "DL3004"
    assert ":latest" not in rest, "DL3007"
    if kind == "RUN" and "pip install" in rest:
        assert "--no-cache-dir" in rest, "DL3042"
        for install in re.findall(r"pip install([^&]*)", rest):
            assert "--require-hashes" in install or "--no-deps" in install, "DL3013: pinned, by hash"
    if kind == "WORKDIR":
        assert rest.startswith("/"), "DL3000"
    if kind in {"ENV", "ARG"}:
        assert not re.search(r"(?i)password|secret|token|passphrase", rest), "nothing secret goes into an image"
    if kind == "RUN" and "|" in re.sub(r"\|\|", "", rest):
        assert "pipefail" in rest, "DL4006"
    if kind == "COPY":
        assert not fnmatch(rest.split()[0], ".*"), "no .git, no .env"


def test_make_targets_that_the_documents_name_exist():
    targets = set(re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8")))
    pages = [ROOT / "Containerfile", ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    for page in pages:
        text = page.read_text(encoding="utf-8")
        named = re.findall(r"`make ([a-z-]+)|(?m:^(?:#\s+)?make ([a-z-]+))", text)
        assert {one or other for one, other in named} <= targets, page.name
