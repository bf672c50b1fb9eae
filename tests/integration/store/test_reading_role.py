"""The reading role is made, found, checked and repaired by `migrate`; what it lacks is told with the remedy."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import pytest

from node.store.engine import make_engine
from node.store.migrate import migrate
from node.store.reading_role import ENTER, ReadingRoleError, secure_reading
from node.store.revisions import head_revision
from node.store.session import Call
from node.store.sessions import Sessions


@dataclass(frozen=True)
class City:
    """A database whose login role is no superuser, on a server that other cities use, too."""

    url: str
    login: str
    role: str

    def migrate(self) -> None:
        engine = make_engine(self.url)
        try:
            migrate(engine)
        finally:
            engine.dispose()


@pytest.fixture
def admin(postgres_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def new_city(admin, postgres_url):
    made: list[City] = []

    def make(attributes: str = "") -> City:
        name = f"stadt_{uuid.uuid4().hex[:8]}"
        admin.execute(f"create role {name} login {attributes}; ")
        admin.execute(f"create database {name} owner {name} template template0 encoding 'UTF8'")
        url = postgres_url.replace("postgres:@/verbund", f"{name}:@/{name}")
        assert url != postgres_url
        made.append(City(url, name, f"verbund_reader_{name}"))
        return made[-1]

    yield make
    for city in made:
        admin.execute(f"drop database if exists {city.login} with (force)")
        for role in (city.role, city.login):
            if admin.execute("select from pg_roles where rolname = %s", (role,)).fetchone():
                admin.execute(f"drop owned by {role}; drop role {role}")


def enter(city: City) -> str:
    with psycopg.connect(city.url) as connection:
        connection.execute(ENTER)
        assert connection.execute("select * from dataset").fetchall() == []
        return connection.execute("select current_user").fetchone()[0]


def test_a_login_that_may_create_roles_makes_it(new_city):
    city = new_city("createrole")
    city.migrate()
    assert enter(city) == city.role


def test_a_login_that_may_not_is_told_what_an_administrator_has_to_run(new_city, admin):
    city = new_city()
    with pytest.raises(ReadingRoleError, match="may not create roles") as refusal:
        city.migrate()
    with psycopg.connect(city.url) as connection, pytest.raises(psycopg.OperationalError, match="missing"):
        connection.execute(ENTER)
    admin.execute(str(refusal.value).partition("run: ")[2])
    city.migrate()
    assert enter(city) == city.role


def test_a_role_that_may_not_be_taken_on_is_told(new_city, admin):
    city = new_city()
    admin.execute(f"create role {city.role} nologin")
    with pytest.raises(ReadingRoleError, match="may not take on") as refusal:
        city.migrate()
    admin.execute(str(refusal.value).partition("run: ")[2])
    city.migrate()
    assert enter(city) == city.role


@pytest.mark.parametrize("more", ["alter role {0} bypassrls", "alter role {0} login", "grant pg_read_all_data to {0}"])
def test_a_role_that_may_do_more_is_refused(new_city, admin, more):
    city = new_city()
    admin.execute(f"create role {city.role} nologin; grant {city.role} to {city.login}")
    admin.execute(more.format(city.role))
    with pytest.raises(ReadingRoleError, match="may do more than read"):
        city.migrate()


def test_another_city_on_the_same_server_can_not_use_it(new_city):
    ours, theirs = new_city("createrole"), new_city("createrole")
    ours.migrate()
    theirs.migrate()
    with psycopg.connect(ours.url.replace(f"//{ours.login}:", f"//{theirs.login}:"), autocommit=True) as intruder:
        with pytest.raises(psycopg.OperationalError):  # enter_reading_role's own
            intruder.execute(ENTER)
        for role in (ours.role, ours.login):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                intruder.execute(f"set role {role}")
        for attempt in (
            "select * from dataset",
            "select * from granted.dataset",
            "select beyond_by_dataset('{a}', '{}'::int[])",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                intruder.execute(attempt)


def test_migrating_puts_back_what_a_restored_backup_lacks(new_city, admin, postgres_url):
    city = new_city("createrole")
    city.migrate()
    with psycopg.connect(postgres_url.replace("@/verbund", f"@/{city.login}"), autocommit=True) as server:
        server.execute(f"drop owned by {city.role}")
    admin.execute(f"drop role {city.role}")
    city.migrate()
    assert enter(city) == city.role


def test_a_copy_under_another_name_keeps_the_role(new_city, admin):
    city = new_city("createrole")
    city.migrate()
    copy = f"kopie_{city.login}"
    admin.execute(f"create database {copy} template {city.login} owner {city.login}")
    try:
        assert enter(City(city.url.replace(f"@/{city.login}", f"@/{copy}"), city.login, city.role)) == city.role
    finally:
        admin.execute(f"drop database {copy} with (force)")


def test_a_long_database_name_still_makes_a_role_name(admin, postgres_url):
    name = "stadt_" + "x" * 57
    admin.execute(f"create database {name} template template0 encoding 'UTF8'")
    try:
        engine = make_engine(postgres_url.replace("@/verbund", f"@/{name}"))
        migrate(engine)
        with engine.connect() as connection:
            role = connection.exec_driver_sql("select reading_role()").scalar()
        engine.dispose()
        assert role is not None
        assert len(role) <= 63
    finally:
        admin.execute(f"drop database {name} with (force)")
        admin.execute(f"drop role {role}")


def test_views_follow_a_new_schema_and_are_left_alone_otherwise(database_url):
    def columns(connection) -> list[str]:
        return [column.name for column in connection.execute("select * from granted.dataset").description]

    def oid(connection) -> int:
        return connection.execute("select 'granted.dataset'::regclass::oid::int").fetchone()[0]

    with psycopg.connect(database_url, autocommit=True) as connection:
        before = oid(connection)
        with connection.transaction():
            secure_reading(connection, head_revision())
        assert oid(connection) == before
        connection.execute("alter table dataset add column fresh int")
        assert "fresh" not in columns(connection)
        with connection.transaction():
            secure_reading(connection, "9999")
        assert "fresh" in columns(connection)


async def test_sessions_of_the_role_stay_in_it(database_url):
    async with Sessions(database_url, size=1, statement_ms=1_000, name="read", on_open=[ENTER]) as sessions:
        for _ in range(3):
            (result,) = await sessions.run(Call("select current_user = reading_role()", []))
            assert result.get_value(0, 0) == b"t"
