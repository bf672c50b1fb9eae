"""The chart as helm renders it, and what is derived from the code: run as a module to renew both."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import yaml

from node.settings import Limits, Settings

ROOT = Path(__file__).parents[2]
CHART = ROOT / "helm"
CITIES = sorted((CHART / "cities").glob("*.yaml"))
GOLDEN = Path(__file__).parent / "golden"
GOLDEN_CITIES = ("fulda", "offenbach")  # the demo database and all that is optional
SCHEMA = CHART / "values.schema.json"
HELM = Path(sys.executable).with_name("helm")
# What the chart makes from other values, or what has no place in a cluster.
MADE = {
    "ags", "ca_file", "city", "database_url", "home", "host", "issuer", "key_passphrase", "key_passphrase_file", "keys_directory",
    "limits", "metrics_host", "metrics_port", "mqtt_password_file", "mqtt_topic", "mqtt_url", "name", "otlp_endpoint", "port", "unsafe_plain_http",
}  # fmt: skip

Object = dict[str, Any]


def helm(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(HELM), *words], cwd=ROOT, capture_output=True, text=True, check=False)


def rendered(values: Path, *more: str) -> str:
    """All objects of a release that is named after the city, as YAML."""
    done = helm(
        "template", values.stem, "helm", "--namespace", f"verbund-{values.stem}", "--values", str(values), *more
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def objects(values: Path, *more: str) -> list[Object]:
    return [found for found in yaml.safe_load_all(rendered(values, *more)) if found]


def settings_schema() -> Object:
    """JSON Schema of the settings that the chart hands on, from the code."""
    known = {field.name: field.type for field in msgspec.structs.fields(Settings) if field.name not in MADE}
    properties = {name: _schema(type_) for name, type_ in known.items()}
    nested = {field.name: _schema(field.type) for field in msgspec.structs.fields(Limits)}
    properties["limits"] = {"type": "object", "additionalProperties": False, "properties": nested}
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _schema(type_: Any) -> Object:
    text = str(type_)
    if "Path" in text or "Secret" in text:
        return {"type": "string"}
    schema = msgspec.json.schema(type_)
    return _inlined(schema, schema.pop("$defs", {}))


def _inlined(node: Any, definitions: Object) -> Any:
    """Helm's schema is one document, so what msgspec defines apart goes where it is used."""
    if isinstance(node, list):
        return [_inlined(each, definitions) for each in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _inlined(definitions[node["$ref"].rpartition("/")[2]], definitions)
    return {name: _inlined(value, definitions) for name, value in node.items()}


def renew() -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    schema["properties"]["settings"] = settings_schema()
    SCHEMA.write_text(json.dumps(schema, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    for values in CITIES:
        if values.stem in GOLDEN_CITIES:
            (GOLDEN / f"{values.stem}.yaml").write_text(rendered(values), encoding="utf-8")


def containers(rendered_: list[Object]) -> list[tuple[str, Object, Object]]:
    """Name of the workload, pod spec and container, of all that run."""
    found = []
    for each in rendered_:
        pod = each.get("spec", {}).get("template", {}).get("spec") if each["kind"] != "HTTPRoute" else None
        found += [
            (f"{each['kind']}/{each['metadata']['name']}/{container['name']}", pod, container)
            for container in [*(pod or {}).get("containers", []), *(pod or {}).get("initContainers", [])]
        ]
    return found


def pinned(image: str) -> bool:
    """A version to the last place, or a digest; never `latest`."""
    return bool(re.search(r"(@sha256:[0-9a-f]{64}|:\d+\.\d+[\w.-]*)$", image))


if __name__ == "__main__":
    renew()
