"""Settings are checked at start; an error names the setting and the remedy."""

from __future__ import annotations

import pytest
from psycopg.conninfo import conninfo_to_dict

from node.settings import FILE_NAME, SettingsError, home_directory, load_settings

GOOD = 'city = "giessen"\nname = "Gießen"\nissuer = "https://daten.giessen.example"\n'
UNREADABLE_URLS = (  # what libpq or SQLAlchemy would quote, or take for the host
    "postgresql://u:hunter 2@h/x",
    "postgresql://u:hunter%2@h/x",
    "postgresql://u:hunter%zz@h/x",
    "postgresql://u:hunter%00@h/x",
    "postgresql://u:hunter@2@h/x",
    "postgresql://u:hunter/2@h/x",
    "postgresql://u:hunter?2@h/x",
    "postgresql://u:hunter#2@h/x",
    "postgresql://u:hunter2@h:x/y",
    "postgresql://u:hunter2@[::1/x",
)
READABLE_URLS = (
    "postgresql://u:hunter%252%40@h:5432/x?sslmode=verify-full&connect_timeout=3",
    "postgres://h/x",
    "postgresql://u@[::1]:5432,h2:5433,h3/x?target_session_attrs=read-write",
    "postgresql://postgres:@/verbund?host=/a%20place/Gie%C3%9Fen",
    "postgresql://",
)


def load(tmp_path, text=GOOD, **environment):
    (tmp_path / FILE_NAME).write_text(text, encoding="utf-8")
    return load_settings(tmp_path, {f"VERBUND_{name}": value for name, value in environment.items()})


def test_defaults(tmp_path):
    settings = load(tmp_path)
    assert settings.name == "Gießen"
    assert settings.port == 8080
    assert settings.host == "127.0.0.1"
    assert settings.database_url is None
    assert settings.unsafe_plain_http is False
    assert settings.graphql_url == "https://daten.giessen.example/graphql"
    assert settings.home == tmp_path.resolve()
    assert settings.limits.page == 1000


def test_the_environment_overrides_the_file(tmp_path):
    settings = load(tmp_path, PORT="9000", NAME="Anders", UNSAFE_PLAIN_HTTP="true", HOME="/elsewhere")
    assert (settings.port, settings.name, settings.unsafe_plain_http) == (9000, "Anders", True)
    assert settings.home == tmp_path.resolve()


def test_limits_are_settings_too(tmp_path):
    assert load(tmp_path, GOOD + "[limits]\npeer_ms = 250\npage = 7\n", LIMITS_PAGE="8").limits.peer_ms == 250
    assert load(tmp_path, GOOD, LIMITS_PAGE="8").limits.page == 8


@pytest.mark.parametrize(
    ("text", "named", "remedy"),
    [
        ("", "city", "VERBUND_CITY"),
        (GOOD + 'mqtt_url = "mqtts://broker:88830"', "mqtt_url", "mqtts://user@host:8883"),
        (GOOD + 'mqtt_url = "mqtts://"', "mqtt_url", "mqtts://user@host:8883"),
        (GOOD + 'otlp_endpoint = "http://[::1"', "otlp_endpoint", "http://collector:4318"),
        (GOOD + 'identity_provider = "https://:8443"', "identity_provider", "https://host"),
        (GOOD + 'home = "/elsewhere"', "home", "--home"),
        (GOOD + "keep_accesses_days = 1000000000", "keep_accesses_days", "<= 36500"),
        (GOOD + "share_unwitnessed_s = 100000000000000", "share_unwitnessed_s", "<= 3153600000"),
        (GOOD + "[limits]\nstatement_ms = 3000000000", "limits.statement_ms", "<= 3600000"),
        (GOOD.replace('"giessen"', '"Gießen"'), "city", "small letters"),
        (GOOD.replace("https:", "http:"), "issuer", "unsafe_plain_http"),
        (GOOD.replace("example", "example/"), "issuer", "no slash"),
        (GOOD.replace("https://daten.giessen.example", "giessen"), "issuer", "https://host"),
        (GOOD + "port = 0", "port", "VERBUND_PORT"),
        (GOOD + "port = 70000", "port", "VERBUND_PORT"),
        (GOOD + 'port = "x"', "port", "VERBUND_PORT"),
        (GOOD + 'database_url = "mysql://x"', "database_url", "postgresql://"),
        *((GOOD + f'database_url = "{url}"', "database_url", "%25 for %") for url in UNREADABLE_URLS),
        (GOOD + 'ags = "123"', "ags", "8 digits"),
        (GOOD + 'log_level = "loud"', "log_level", "debug, info"),
        (GOOD + "[limits]\npage = 0", "limits.page", "VERBUND_LIMITS_PAGE"),
        (GOOD + "colour = 1", "colour", FILE_NAME),
        (GOOD + "[limits]\nsize = 1", "size", FILE_NAME),
        ("city = ", FILE_NAME, "TOML"),
        ("limits = 5\n" + GOOD, "limits", "[limits]"),
        (GOOD.replace("daten.giessen", "[bad"), "issuer", "https://host"),
        (GOOD.replace("daten.giessen", "Daten.Giessen"), "issuer", "small letters"),
        (GOOD.replace("https://", "https://u:p@"), "issuer", "https://host"),
    ],
)
def test_errors_name_the_setting_and_the_remedy(tmp_path, text, named, remedy):
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, text)
    assert named in str(caught.value)
    assert remedy in str(caught.value)


def test_all_problems_are_told_at_once(tmp_path):
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, GOOD.replace('"giessen"', '"G"').replace("https:", "http:") + 'ags = "1"')
    assert len(caught.value.problems) == 3


def test_unknown_variables_are_refused(tmp_path):
    with pytest.raises(SettingsError, match="VERBUND_PROT is not a setting"):
        load(tmp_path, PROT="1")


def test_a_missing_file_is_told_with_the_command_that_makes_it(tmp_path):
    with pytest.raises(SettingsError, match="verbund init"):
        load_settings(tmp_path, {})


def test_passwords_are_not_repeated_in_errors(tmp_path):
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, GOOD + 'database_url = "mysql://user:secret@host/db"')
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", UNREADABLE_URLS)
def test_what_can_not_be_read_of_an_address_is_not_repeated(tmp_path, url):
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, DATABASE_URL=url)
    assert "hunter" not in str(caught.value)


@pytest.mark.parametrize("url", READABLE_URLS)
def test_whatever_libpq_can_read_is_an_address_of_a_database(tmp_path, url):
    conninfo_to_dict(url)
    assert load(tmp_path, DATABASE_URL=url).database_url == url


def test_the_home_is_given_or_the_current_directory(tmp_path):
    assert str(home_directory({})) == "."
    assert home_directory({"VERBUND_HOME": str(tmp_path)}) == tmp_path
