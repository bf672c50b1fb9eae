"""The process that supervises the workers lasts as long as the node, and every town pays for what it holds."""

from __future__ import annotations

import logging
import os
import resource
import socket
import subprocess
import sys

import pytest

from node.serving import FILES, AddressUnusable, allow_many_files, check_address

HEAVY = (
    "litestar",
    "strawberry",
    "graphql",
    "sqlalchemy",
    "alembic",
    "websockets",
    "cedarpy",
    "cryptography",
    "psycopg",
)


def test_it_loads_nothing_that_only_workers_need():
    script = f"import node.cli.serve, sys; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_uvicorn_tells_no_details_whatever_the_level(tmp_path):
    """At `debug` it tells the headers of WebSockets, and with them tokens; at `info` addresses of clients."""
    (tmp_path / "verbund.toml").write_text(
        'city = "giessen"\nname = "Gießen"\nissuer = "https://g.example"\nlog_level = "debug"\n'
    )
    script = (
        "import logging, pathlib; from node.serving import server_config; from node.settings import load_settings;"
        "from node.telemetry.logs import set_up_logs; settings = load_settings(pathlib.Path('.'));"
        "set_up_logs(settings.log_level, 'text'); config = server_config(settings); config.configure_logging();"
        "print(logging.getLogger('uvicorn.error').getEffectiveLevel())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert int(done.stdout) == logging.WARNING


def test_a_port_that_is_taken_is_told_before_anything_is_started(tmp_path):
    (tmp_path / "verbund.toml").write_text('city = "giessen"\nname = "Gießen"\nissuer = "https://g.example"\n')
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "node.cli", "--home", str(tmp_path), "serve"],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"VERBUND_PORT": str(port)},
        )
    assert done.returncode == 1
    assert done.stderr == (
        f"Error: port: 127.0.0.1:{port} can't be listened on (Address already in use): another program listens there,"
        " perhaps a node that runs already: stop it, or set another port\n"
    )
    assert not (tmp_path / "postgres").exists()
    check_address("127.0.0.1", port)


def test_an_address_of_another_machine_is_told():
    with pytest.raises(AddressUnusable, match=r"metrics_port: 192\.0\.2\.1:.*correct metrics_host or metrics_port"):
        check_address("192.0.2.1", 9464, "metrics_port")


@pytest.mark.parametrize("soft", [256, FILES])
def test_connections_are_not_short_of_files(soft):
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    least = min(soft, before[1])
    resource.setrlimit(resource.RLIMIT_NOFILE, (least, before[1]))
    try:
        allow_many_files()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (min(FILES, before[1]), before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
