"""What the demo prints when it is ready: addresses, credentials, and commands to copy."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from node.demo.processes import NodeProcess
from node.demo.setup import DemoFederation
from node.demo.showcase import ABSENT, APPLICATION, HOME, OTHER_PURPOSE, PARTNER, PURPOSE, SHARED_KEY

OPEN_QUERY = "{ datasets(first: 8) { nodes { title city } federation { complete cities { city state rows } } } }"
SHARED_QUERY = (
    f'{{ dataset(id: "{PARTNER}:dataset:{SHARED_KEY}")'
    " { title tier datastreams(first: 3) { nodes { name latest { phenomenonTime result } } } } }"
)

BANNER = """
DEMO with synthetic data: not an official service of any city.

{nodes}

Pages of each city are at the same address without /graphql, e.g. {issuer}/ and {issuer}/explorer

Open data of all cities, without a token:

  curl -s {url} -H 'Content-Type: application/json' \\
    -d '{open_body}'

A demo application of {home}: client id {application}, purposes {purpose} and {other},
private key {key}. Shared data of {partner}, under an agreement, for {purpose}:

  {command} token --node {issuer} --client-id {application} \\
    --key {key} --purpose {purpose} |
  curl -s {url} -H 'Content-Type: application/json' -H @- \\
    -d '{shared_body}'

One city fewer: {absent} is stopped by `kill {pid}`, and is started again after a minute.

Commands of {home}'s operator, of its access log, and a link to the auditor's desk:

  {command} --home {directory} --help
  {command} --home {directory} audit list
  {command} --home {directory} desk link auditor --role auditor

Ctrl-C stops the cities.
"""


def banner(demo: DemoFederation, nodes: Mapping[str, NodeProcess]) -> str:
    """The text, with paths that work from the current directory."""
    home = demo.settings[HOME]
    return BANNER.format(
        nodes="\n".join(f"  {node.name:<18} {node.graphql_url}" for node in demo.settings.values()),
        url=home.graphql_url,
        issuer=home.issuer,
        home=home.name,
        application=APPLICATION,
        purpose=PURPOSE,
        other=OTHER_PURPOSE,
        partner=PARTNER,
        key=_short(demo.key_file(HOME, APPLICATION)),
        command=_short(Path(sys.executable).with_name("verbund")),
        directory=_short(home.home),
        absent=demo.settings[ABSENT].name,
        pid=nodes[ABSENT].pid,
        open_body=json.dumps({"query": OPEN_QUERY}),
        shared_body=json.dumps({"query": SHARED_QUERY}),
    )


def _short(path: Path) -> Path:
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
