"""The chart: every city's values render to what Kubernetes takes and an administrator would sign."""

from __future__ import annotations

import copy
import json
import re

import kubernetes_validate
import pytest
import yaml

from node.http.events import HEARTBEAT_S
from node.serving import PING_EVERY_S
from node.settings import Limits, Portal, Settings, load_settings
from tests.helm.chart import (
    CHART,
    CITIES,
    GOLDEN,
    GOLDEN_CITIES,
    HELM,
    ROOT,
    SCHEMA,
    containers,
    helm,
    objects,
    pinned,
    rendered,
)

pytestmark = pytest.mark.skipif(not HELM.exists(), reason="helm-binary is not installed: run `make setup`")
KUBERNETES = "1.33"
CRDS = {"HTTPRoute", "ServiceMonitor"}  # kinds that Kubernetes itself does not know
SWITCHES = (
    "--set",
    "podDisruptionBudget.enabled=false,networkPolicy.enabled=false,expose.kind=none,autoscaling.enabled=false",
)
cities = pytest.mark.parametrize("values", CITIES, ids=lambda path: path.stem)


def only(kind: str, found: list[dict], name: str | None = None) -> dict:
    (one,) = [each for each in found if each["kind"] == kind and (name is None or each["metadata"]["name"] == name)]
    return one


def test_there_are_values_for_the_four_cities():
    assert {path.stem for path in CITIES} == {"fulda", "giessen", "offenbach", "wetzlar"}


@cities
def test_helm_lint_has_nothing_to_say(values):
    done = helm("lint", "helm", "--strict", "--quiet", "--values", str(values))
    assert done.returncode == 0, done.stdout + done.stderr


@cities
@pytest.mark.parametrize("more", [(), SWITCHES], ids=["as it stands", "switched off"])
def test_kubernetes_takes_every_object(values, more):
    kinds = set()
    for each in objects(values, *more):
        kinds.add(each["kind"])
        if each["kind"] not in CRDS:
            kubernetes_validate.validate(each, KUBERNETES, strict=True)
    assert {"Deployment", "Service", "Job", "ConfigMap", "ServiceAccount"} <= kinds
    assert more or {"NetworkPolicy", "PodDisruptionBudget"} <= kinds


@cities
def test_nothing_runs_with_more_rights_than_it_needs(values):
    running = containers(objects(values))
    assert running
    for name, pod, container in running:
        own, of_pod = container["securityContext"], pod["securityContext"]
        assert own["readOnlyRootFilesystem"] is True, name
        assert own["allowPrivilegeEscalation"] is False, name
        assert own["capabilities"] == {"drop": ["ALL"]}, name
        assert "privileged" not in own, name
        assert of_pod["runAsNonRoot"] is True, name
        assert of_pod["runAsUser"] > 0, name
        assert of_pod["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert pod["automountServiceAccountToken"] is False, name
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys(), name
        assert not [volume for volume in pod["volumes"] if "hostPath" in volume], name
        assert container["resources"]["limits"]["memory"], name
        assert pinned(container["image"]), f"{name}: {container['image']}"


@cities
def test_no_secret_is_made_or_shown(values):
    found = objects(values)
    assert not [each for each in found if each["kind"] == "Secret"]
    for name, _, container in containers(found):
        for variable in container.get("env", []):
            if {"PASSWORD", "SECRET"} & set(variable["name"].split("_")):
                assert "secretKeyRef" in variable["valueFrom"], f"{name}: {variable['name']}"
    assert "postgresql://" not in yaml.safe_dump([each for each in found if each["kind"] == "ConfigMap"])


@cities
def test_keys_go_to_the_node_alone_and_only_its_group_reads_them(values):
    found = objects(values)
    job = next(each for each in found if each["kind"] == "Job")
    assert "secret" not in {kind for volume in job["spec"]["template"]["spec"]["volumes"] for kind in volume}
    pod = only("Deployment", found)["spec"]["template"]["spec"]
    secrets = [volume["secret"] for volume in pod["volumes"] if "secret" in volume]
    assert secrets
    assert {secret["defaultMode"] for secret in secrets} == {0o440}
    assert pod["securityContext"]["fsGroup"] == pod["securityContext"]["runAsGroup"]


@cities
def test_the_network_lets_through_the_gateway_the_database_names_and_members_alone(values):
    found = objects(values)
    demo = values.stem == "fulda"
    policy = only("NetworkPolicy", found, f"{values.stem}-verbund")["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert [rule["ports"] for rule in policy["ingress"]] == [
        [{"port": p, "protocol": "TCP"}] for p in ("http", "metrics")
    ]
    assert all(rule["from"] for rule in policy["ingress"]), "an empty list would let in everybody"
    assert all(rule["to"] for rule in policy["egress"]), "an empty list would let out to everywhere"
    names, database, members, *more = policy["egress"]
    assert {port["port"] for port in names["ports"]} == {53}
    assert database["ports"] == [{"port": 6432 if values.stem == "wetzlar" else 5432, "protocol": "TCP"}]
    assert members["ports"] == [{"port": 443, "protocol": "TCP"}]
    assert "169.254.0.0/16" in members["to"][0]["ipBlock"]["except"], "the cloud's metadata service is out of reach"
    assert [rule["ports"][0]["port"] for rule in more] == ([4318, 8883] if values.stem == "offenbach" else [])
    if demo:
        assert only("NetworkPolicy", found, "fulda-verbund-demo-database")["spec"]["egress"] == []


def test_an_empty_list_of_the_network_policy_lets_nobody_through():
    giessen = CHART / "cities" / "giessen.yaml"
    empty = "networkPolicy.gateway=null,networkPolicy.monitoring=null,networkPolicy.members.to=null"
    policy = only("NetworkPolicy", objects(giessen, "--set", empty), "giessen-verbund")["spec"]
    assert policy["ingress"] is None
    assert all(rule["to"] for rule in policy["egress"])
    assert len(policy["egress"]) == 2, "names and the database"


@cities
def test_migrations_are_a_hook_but_for_the_demo_database(values):
    job = next(each for each in objects(values) if each["kind"] == "Job")
    pod = job["spec"]["template"]["spec"]
    if values.stem == "fulda":  # a hook would wait for a database that helm makes after its hooks
        assert "annotations" not in job["metadata"]
        assert [container["name"] for container in pod["initContainers"]] == ["wait"]
        assert job["metadata"]["name"].endswith("-1")
        return
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    hooks = {
        each["metadata"]["name"]
        for each in objects(values)
        if "helm.sh/hook" in each["metadata"].get("annotations", {}) and each["kind"] == "ConfigMap"
    }
    needed = {volume["configMap"]["name"] for volume in pod["volumes"] if "configMap" in volume}
    assert needed <= hooks, "what a hook mounts must be there before the release is"
    assert pod.get("serviceAccountName") is None, "the release's account is not there yet"


@cities
def test_probes_are_apart(values):
    (node,) = only("Deployment", objects(values))["spec"]["template"]["spec"]["containers"]
    paths = {name: node[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "liveness", "readiness")}
    assert paths == {"startup": "/health/live", "liveness": "/health/live", "readiness": "/health/ready"}
    assert node["lifecycle"]["preStop"]["sleep"]["seconds"] >= 5, "until no gateway sends anything to it any more"


@cities
def test_what_objects_name_is_there(values):
    """Selectors select, routes lead to ports, and what is mounted exists or is named in the values."""
    found = objects(values)
    name = f"{values.stem}-verbund"
    service, node = only("Service", found, name), only("Deployment", found, name)
    pod, labels = node["spec"]["template"]["spec"], node["spec"]["template"]["metadata"]["labels"]
    ports = {port["name"] for port in pod["containers"][0]["ports"]}
    assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports
    named = {port["name"]: port["port"] for port in service["spec"]["ports"]}
    selectors = [service["spec"]["selector"], node["spec"]["selector"]["matchLabels"]]
    for each in found:
        spec = each.get("spec", {})
        match each["kind"]:
            case "PodDisruptionBudget":
                selectors.append(spec["selector"]["matchLabels"])
            case "HorizontalPodAutoscaler":
                assert spec["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
                assert "replicas" not in node["spec"], "two would quarrel about the number"
                assert pod["containers"][0]["resources"]["requests"]["cpu"], "a share of what is asked for"
            case "ServiceMonitor":
                assert spec["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
                assert {endpoint["port"] for endpoint in spec["endpoints"]} <= named.keys()
                assert set(spec["targetLabels"]) <= service["metadata"]["labels"].keys()
            case "HTTPRoute":
                [rule] = spec["rules"]
                assert rule["backendRefs"] == [{"name": name, "port": named["http"]}]
                assert spec["parentRefs"][0]["name"]
                assert spec["hostnames"] == [f"daten.{values.stem}.example"]
            case "Ingress":
                [rule], [tls] = spec["rules"], spec["tls"]
                assert rule["http"]["paths"][0]["backend"]["service"] == {"name": name, "port": {"name": "http"}}
                assert tls["hosts"] == [rule["host"]]
                assert tls["secretName"]
    for selector in selectors:
        assert selector.items() <= labels.items()
    assert pod["serviceAccountName"] in {each["metadata"]["name"] for each in found if each["kind"] == "ServiceAccount"}
    given = yaml.safe_load(values.read_text(encoding="utf-8"))
    for kind, key in (("configMap", "name"), ("secret", "secretName")):
        mounted = {volume[kind][key] for volume in pod["volumes"] if kind in volume}
        made = {each["metadata"]["name"] for each in found if each["kind"] == "ConfigMap"}
        assert all(one in made or one in json.dumps(given) for one in mounted), mounted
    volumes = {volume["name"] for volume in pod["volumes"]}
    assert {mount["name"] for mount in pod["containers"][0]["volumeMounts"]} == volumes


def test_streams_and_full_batches_pass_the_gateway():
    """Neither is silence taken for an end, nor are events kept back, nor is a full batch too large."""
    ingress = only("Ingress", objects(CHART / "cities" / "giessen.yaml"))["metadata"]["annotations"]
    nginx = {name.rpartition("/")[2]: value for name, value in ingress.items()}
    for name in ("proxy-read-timeout", "proxy-send-timeout"):
        assert int(nginx[name]) > 10 * max(HEARTBEAT_S, PING_EVERY_S)
    assert nginx["proxy-buffering"] == "off"
    assert int(nginx["proxy-body-size"].removesuffix("m")) * 2**20 >= Limits().intake_bytes
    more = ("--set-json", 'expose.ingress.annotations={"nginx.ingress.kubernetes.io/proxy-buffering":null,"a":"b"}')
    changed = only("Ingress", objects(CHART / "cities" / "giessen.yaml", *more))["metadata"]["annotations"]
    assert changed.keys() == (ingress.keys() - {"nginx.ingress.kubernetes.io/proxy-buffering"}) | {"a"}
    wetzlar = CHART / "cities" / "wetzlar.yaml"
    (rule,) = only("HTTPRoute", objects(wetzlar))["spec"]["rules"]
    assert rule["timeouts"] == {"request": "0s", "backendRequest": "0s"}
    (rule,) = only("HTTPRoute", objects(wetzlar, "--set", "expose.gateway.timeouts=null"))["spec"]["rules"]
    assert "timeouts" not in rule


def test_every_setting_can_be_given_to_the_chart(tmp_path):
    """By `settings`, or the chart makes it from other values, or it has no place in a cluster."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))["properties"]["settings"]["properties"]
    nowhere = {"home", "unsafe_plain_http", "key_passphrase"}  # mounted there; for trials; a file holds it
    text = "".join(
        only("ConfigMap", objects(values), f"{values.stem}-verbund")["data"]["verbund.toml"] for values in CITIES
    )
    made = set(re.findall(r"^(\w+) = ", text, re.MULTILINE)) | {"database_url", "mqtt_topic"}
    assert set(Settings.__struct_fields__) - nowhere <= set(schema) | made
    assert set(Limits.__struct_fields__) == set(schema["limits"]["properties"])
    assert set(Portal.__struct_fields__) == set(schema["portal"]["properties"])


def test_compose_can_be_given_every_setting():
    """`home` is mounted with its verbund.toml, and what Compose sets itself are settings."""
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    for name in ("node", "migrate"):
        assert "./home:/var/lib/verbund" in compose["services"][name]["volumes"], name
        for variable in compose["services"][name]["environment"]:
            assert variable.removeprefix("VERBUND_").lower() in Settings.__struct_fields__, variable


@cities
def test_the_settings_that_are_rendered_are_settings(values, tmp_path):
    config = only("ConfigMap", objects(values), f"{values.stem}-verbund")
    (tmp_path / "verbund.toml").write_text(config["data"]["verbund.toml"], encoding="utf-8")
    settings = load_settings(tmp_path, environment={"VERBUND_DATABASE_URL": "postgresql://a:b@c/d"})
    assert settings.city == values.stem
    assert settings.metrics_port == 9464
    if values.stem == "offenbach":
        assert settings.workers == 2
        assert settings.limits.peer_ms == 3000
        assert settings.portal.operator == "Stadt Offenbach am Main"
        assert str(settings.mqtt_password_file) == "/run/verbund/mqtt/password"
        assert str(settings.ca_file) == "/run/verbund/authorities/ca.pem"


def test_rules_are_mounted_as_a_folder_so_that_changes_reach_a_running_node():
    found = objects(CHART / "cities" / "giessen.yaml", "--set-string", "policies.nachts\\.cedar=// none yet")
    pod = only("Deployment", found)["spec"]["template"]["spec"]
    (node,) = pod["containers"]
    (mount,) = (one for one in node["volumeMounts"] if one["name"] == "policies")
    assert mount == {"name": "policies", "mountPath": "/var/lib/verbund/policies", "readOnly": True}
    (volume,) = (one for one in pod["volumes"] if one["name"] == "policies")
    assert only("ConfigMap", found, volume["configMap"]["name"])["data"] == {"nachts.cedar": "// none yet"}


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("policies.nachts=x", "policies"),
        ("replicsa=3", "replicsa"),
        ("settings.wrokers=2", "wrokers"),
        ("settings.limits.pages=2", "pages"),
        ("settings.unsafe_plain_http=true", "unsafe_plain_http"),
        ("database.existingSecret=", "existingSecret"),
        ("city.issuer=http://daten.giessen.example", "issuer"),
        ("image.tag=latest", "tag"),
        ("mqtt.url=mqtt://broker", "mqtt.url"),
        ("mqtt.url=mqtts://broker", "mqtt.to"),
        ("documents.liste=x", "documents"),
        ("networkPolicy.database.to=null", "networkPolicy.database.to"),
        ("networkPolicy.database.to={}", "networkPolicy.database.to"),
        ("telemetry.otlpEndpoint=http://c:4318", "telemetry.otlpTo"),
        ("expose.gateway.timeouts.request=5 minutes", "timeouts"),
    ],
)
def test_wrong_values_are_told_by_name(setting, told):
    done = helm("template", "x", "helm", "--values", str(CHART / "cities" / "giessen.yaml"), "--set", setting)
    assert done.returncode != 0
    assert told in done.stderr


def test_every_object_of_the_schema_is_closed():
    def visit(node: object, path: str) -> None:
        if isinstance(node, dict):
            if "properties" in node and node.get("type") == "object":
                assert node["additionalProperties"] is False, path
            for name, child in node.items():
                visit(child, f"{path}.{name}")

    visit(json.loads(SCHEMA.read_text(encoding="utf-8"))["properties"], "")


@pytest.mark.parametrize("city", GOLDEN_CITIES)
def test_what_is_rendered_is_what_was_reviewed(city):
    now = list(yaml.safe_load_all(rendered(CHART / "cities" / f"{city}.yaml")))
    assert now == list(yaml.safe_load_all((GOLDEN / f"{city}.yaml").read_text())), "look at it, then run `make helm`"


def test_the_image_is_pinned_and_has_no_build_tools():
    lines = (ROOT / "Containerfile").read_text(encoding="utf-8").splitlines()
    stages = [line.split()[1] for line in lines if line.startswith("FROM")]
    base = next(line.split("=", 1)[1] for line in lines if line.startswith("ARG BASE="))
    assert pinned(base)
    assert set(stages) == {"${BASE}"}
    last = lines[max(index for index, line in enumerate(lines) if line.startswith("FROM")) :]
    assert not [
        line for line in last if line.startswith("RUN") and ("apt-get install" in line or "pip install" in line)
    ]
    assert "USER 10001:10001" in last
    assert "--require-hashes" in "\n".join(lines)
    assert any("pip" in line and "uninstall" in line for line in lines), "pip stays in the build stage"


def test_compose_says_the_same_as_the_chart():
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    for name, service in compose["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["user"] not in {"root", "0", "0:0"}, name
        assert service["mem_limit"], name
        if "image" in service and "build" not in service:
            assert pinned(service["image"]), name
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), "only the gateway on this host may reach it"
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    assert compose["services"]["database"]["image"] == values["demoDatabase"]["image"]
    node = compose["services"]["node"]
    assert node["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    shared = copy.deepcopy(node["environment"])
    assert "VERBUND_DATABASE_URL" not in shared or "${" in shared["VERBUND_DATABASE_URL"]
