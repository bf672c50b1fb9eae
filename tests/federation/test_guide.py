"""A fifth city from nothing to its first answered query, by the commands of docs/join.md as they are written there.

What stands for something in the guide is put in its place; a trial on one machine has no TLS. Everything else is as an
operator would type it, in a shell.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from node.demo.content import catalog_file
from tests.conftest import REPOSITORY, TEMPLATE
from tests.federation.cities import Federation, free_port

PASSPHRASE = "ein langes Geheimnis von Marburg"
COUNTS = "Datetime,10 (Ring),11 (einwärts),10-status,11-status\n2026-07-01 00:00,3,3,0,0\n2026-07-01 00:15,4,4,0,0\n"
DOCUMENTED_S = 600
WAIT_S = 120


def commands() -> dict[str, list[str]]:
    """The code blocks of the guide by heading."""
    text = (REPOSITORY / "docs" / "join.md").read_text(encoding="utf-8")
    parts = re.split(r"(?m)^## (.+)$", text)[1:]
    return {
        heading: re.findall(r"(?ms)^```\n(.*?)^```$", body)
        for heading, body in zip(parts[::2], parts[1::2], strict=True)
    }


class Operator:
    """Types what the guide says, in a folder with the files that it speaks of."""

    def __init__(self, folder: Path, formed: Federation) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        secret = folder / "passphrase"
        secret.write_text(PASSPHRASE)
        secret.chmod(0o600)
        self.stands_for = {
            "https://daten.marburg.example": self.url,
            "/run/secrets/verbund-passphrase": str(secret),
            "--anchor anker": f"--anchor {formed.anchor.directory}",
            "anchor publish anker": f"anchor publish {formed.anchor.directory}",
            "/srv/anker": str(formed.anchor.out),
            " node\n": f" node --port {self.port} --unsafe-plain-http\n",
        }
        self.environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "VERBUND_HOME": str(folder / "node"),
        }
        self.serving: subprocess.Popen[bytes] | None = None
        shutil.copyfile(formed.anchor.office.pin_file, folder / "anchor.json")
        with catalog_file("offenbach") as catalog:
            shutil.copyfile(catalog, folder / "catalog.ttl")
        shutil.copyfile(REPOSITORY / "tests" / "integration" / "ingest" / "muenster.toml", folder / "zaehlungen.toml")
        (folder / "zaehlungen" / "ring").mkdir(parents=True)
        (folder / "zaehlungen" / "ring" / "2026-07.csv").write_text(COUNTS, encoding="utf-8")

    def types(self, block: str) -> subprocess.CompletedProcess[str]:
        """A block as one script; it must succeed."""
        for written, meant in self.stands_for.items():
            block = block.replace(written, meant)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block], cwd=self.folder, env=self.environment, capture_output=True,
            text=True, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == 0, (block, done.stdout[-2000:], done.stderr[-2000:])
        return done

    def serves(self) -> None:
        with (self.folder / "node.log").open("wb") as log:
            self.serving = subprocess.Popen(
                ["verbund", "serve"], cwd=self.folder, env=self.environment, stdout=log, stderr=log
            )  # fmt: skip

    def until(self, block: str, told: str) -> str:
        """Repeat a command until it tells something."""
        ends = time.monotonic() + WAIT_S
        while True:
            for written, meant in self.stands_for.items():
                block = block.replace(written, meant)
            done = subprocess.run(
                ["bash", "-c", block],
                cwd=self.folder,
                env=self.environment,
                capture_output=True,
                text=True,
                check=False,
            )
            if told in done.stdout:
                return done.stdout
            assert time.monotonic() < ends, (block, done.stdout, done.stderr)
            time.sleep(0.3)


@pytest.fixture
def formed(postgres_url, tmp_path_factory):
    formed = Federation(tmp_path_factory.mktemp("guide"))
    formed.add("offenbach", postgres_url, TEMPLATE)
    formed.sign()
    formed.start()
    yield formed
    formed.stop()


@pytest.fixture
def operator(tmp_path, formed):
    operator = Operator(tmp_path, formed)
    yield operator
    if operator.serving is not None:
        operator.serving.terminate()
        operator.serving.wait(30)


@pytest.mark.skipif(
    shutil.which("curl") is None or shutil.which("bash") is None, reason="the guide needs bash and curl"
)
def test_from_nothing_to_the_first_answered_query(operator, capsys):
    guide, began = commands(), time.monotonic()
    [make], [bring] = guide["1. Make the node"], guide["2. Bring in data and classify it"]
    operator.types(make)
    assert operator.types(bring).stdout
    [run] = guide["3. Run it"]
    serve, ready = run.splitlines()
    assert serve == "verbund serve"
    operator.serves()
    operator.until(ready, '"ready"')
    ask, approve = guide["4. Be admitted"]
    described = operator.types(ask)
    fingerprint = described.stderr.rpartition("fingerprint: ")[2].strip() or described.stderr.partition(": ")[2].strip()
    assert '"3f2a 91bc …"' in approve
    operator.types(approve.replace("3f2a 91bc …", fingerprint))
    operator.until("verbund member list", "offenbach")
    [share] = guide["5. Share, and let applications ask"]
    answer = json.loads(operator.types(share).stdout.splitlines()[-1])
    took = time.monotonic() - began
    ids = {node["id"].split(":")[0] for node in answer["data"]["datasets"]["nodes"]}
    assert ids == {"marburg", "offenbach"}, "both cities answer"
    assert {node["tier"] for node in answer["data"]["datasets"]["nodes"]} >= {"OPEN"}
    with capsys.disabled():
        print(f"\n  docs/join.md: from nothing to the first answered query in {took:.0f} s")
    assert took < DOCUMENTED_S


def test_the_guide_has_the_blocks_that_are_tried():
    assert sum(map(len, commands().values())) == 8, "a further one is to be tried as well"
