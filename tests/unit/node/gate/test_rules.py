"""Rules are taken as a whole or not at all, and again when a file changes."""

from __future__ import annotations

import logging
import os

import pytest

from node.gate import rules as module
from node.gate.rules import CityRules, load_rules
from policy.errors import PolicyError

SOUND = '@id("a") forbid (principal, action, resource) when { resource.tier == "SHARED" };'
BROKEN = '\n@id("a") permit (principal, action, resource) when { resource.colour };'
EXPECT = """
[[expect]]
what = "shared data stays at home"
caller = { city = "fulda", application = "portal", purpose = "research" }
dataset = { key = "kfz", tier = "SHARED", obligations = ["minimum-count=5"] }
agreement = { purposes = ["research"], obligations = ["time=PT1H"] }
"""


@pytest.fixture(autouse=True)
def look_at_once(monkeypatch):
    monkeypatch.setattr(module, "LOOK_AGAIN_S", 0.0)


@pytest.fixture
def folder(tmp_path):
    return tmp_path


def test_without_a_folder_there_are_the_rules_of_the_federation(tmp_path):
    assert CityRules(tmp_path / "none", "giessen").current().version == load_rules(tmp_path, "giessen").version


def test_a_node_does_not_start_with_rules_that_are_broken(folder):
    (folder / "x.cedar").write_text(BROKEN)
    with pytest.raises(PolicyError, match=r"^x\.cedar:2: a: "):
        CityRules(folder, "giessen")


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("x.cedar", BROKEN, "x.cedar:2: a: "),
        ("y.cedar", SOUND, "y.cedar:1: @id('a') is taken by x.cedar"),
        ("expectations.toml", f"{EXPECT}permit = true", "shared data stays at home: permit False instead of True"),
        ("expectations.toml", "[[expect]]\nwhat = 1", "expectations.toml: "),
        ("expectations.toml", "[[expect", "expectations.toml: "),
        ("expectations.toml", "[[expect]]\nwhat = 'x'\nwho = 1", "unknown field"),
    ],
)
def test_what_is_not_valid_leaves_the_rules_as_they_were(folder, caplog, name, content, reason):
    (folder / "x.cedar").write_text(SOUND)
    rules = CityRules(folder, "giessen")
    before = rules.current()
    (folder / name).write_text(content + "\n" * 50)
    with caplog.at_level(logging.ERROR, "verbund.policy"):
        assert rules.current() is before
        assert rules.current() is before
    (told,) = caplog.messages
    assert reason in told
    assert before.version in told
    (folder / name).unlink()
    (folder / "z.cedar").write_text(SOUND.replace('"a"', '"z"'))
    if name == "x.cedar":
        assert rules.current().version != before.version
    else:
        assert "z" in {node.annotations["id"] for node in rules.current().policies.to_pst().static_policies.values()}


def test_a_folder_that_vanishes_takes_no_rule_with_it(tmp_path, caplog):
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "x.cedar").write_text(SOUND)
    rules = CityRules(folder, "giessen")
    before = rules.current()
    folder.rename(tmp_path / "away")
    with caplog.at_level(logging.ERROR, "verbund.policy"):
        assert rules.current() is before
        assert rules.current() is before
    (told,) = caplog.messages
    assert "is gone" in told
    folder.mkdir()
    assert rules.current().version != before.version, "an empty folder says that there are no more rules"


def test_expectations_that_are_met(folder):
    (folder / "expectations.toml").write_text(
        f"{EXPECT}permit = true\nrules = ['agreement']\nobligations = ['time=PT1H', 'minimum-count=5']"
    )
    assert load_rules(folder, "giessen")
    (folder / "expectations.toml").write_text(f"{EXPECT}permit = false")
    with pytest.raises(PolicyError, match="permit True instead of False"):
        load_rules(folder, "giessen")
    for told in ("rules = ['open-tier']", "obligations = []", "obligations = ['time=PT1H']"):
        (folder / "expectations.toml").write_text(f"{EXPECT}permit = true\n{told}")
        with pytest.raises(PolicyError, match=r"(rules|obligations) \["):
            load_rules(folder, "giessen")


def test_a_file_that_is_too_large_is_refused(folder, monkeypatch):
    monkeypatch.setattr(module, "MAX_BYTES", 10)
    (folder / "x.cedar").write_text(SOUND)
    with pytest.raises(PolicyError, match="is larger than 10 bytes"):
        load_rules(folder, "giessen")


def test_a_change_that_keeps_time_and_size_is_a_change(folder):
    """As by `rsync --times`, or from an archive whose files are all of 1970."""
    file = folder / "x.cedar"
    file.write_text(SOUND)
    os.utime(file, (0, 0))
    rules = CityRules(folder, "giessen")
    before = rules.current().version
    file.write_text(SOUND.replace("SHARED", "OPEN  "))
    os.utime(file, (0, 0))
    assert rules.current().version != before
