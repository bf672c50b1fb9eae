"""What npm brought is kept as long as the lock file is the same."""

from __future__ import annotations

import hashlib

import pytest

from tests.bench.read import npm


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "package.json").write_text("{}")
    (folder / "package-lock.json").write_text('{"lockfileVersion": 3}')
    (folder / "server.mjs").write_text("// 1")
    return folder


@pytest.fixture
def calls(monkeypatch):
    made = []

    class Done:
        returncode = 0
        stdout = "v24.0.0"
        stderr = ""

    monkeypatch.setattr(npm.subprocess, "run", lambda command, **_: made.append(command[1]) or Done)
    monkeypatch.setattr(npm, "program", lambda name: name)
    return made


def test_packages_are_installed_once_and_files_are_always_fresh(source, tmp_path, calls):
    npm.install(source, tmp_path / "work")
    (source / "server.mjs").write_text("// 2")
    npm.install(source, tmp_path / "work")
    assert calls == ["--version", "ci"]
    assert (tmp_path / "work" / "server.mjs").read_text() == "// 2"


def test_another_lock_file_installs_again(source, tmp_path, calls):
    npm.install(source, tmp_path / "work")
    (source / "package-lock.json").write_text("{}")
    npm.install(source, tmp_path / "work")
    assert calls == ["--version", "ci"] * 2
    assert (tmp_path / "work" / "installed").read_text() == hashlib.sha256(b"{}").hexdigest()


def test_a_failure_is_not_taken_for_installed(source, tmp_path, calls, monkeypatch):
    monkeypatch.setattr(npm, "OLDEST", 25)
    with pytest.raises(npm.NoNode, match="25 or later"):
        npm.install(source, tmp_path / "work")
    assert not (tmp_path / "work" / "installed").exists()
