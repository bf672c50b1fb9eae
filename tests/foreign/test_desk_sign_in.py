"""People sign in to the node's desks through an identity provider by others, which says what they may do."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from yarl import URL

HTML = {"Accept": "text/html"}


@asynccontextmanager
async def browser(account: str) -> AsyncIterator[aiohttp.ClientSession]:
    """Keeps cookies and follows redirects; the provider knows it as the account."""
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar, headers={**HTML, "account": account}) as session:
        yield session


async def got(session: aiohttp.ClientSession, url: str) -> tuple[int, str]:
    async with session.get(url) as response:
        return response.status, await response.text()


async def test_a_steward_comes_in_with_the_citys_account(scene):
    node = scene.town.settings.issuer
    async with browser("ada-lovelace") as session:
        status, text = await got(session, f"{node}/en/governance")
        assert status == 401
        assert "Sign in with the city’s account" in text
        async with session.get(f"{node}/en/sign-in/provider?desk=/governance") as response:
            assert 'content="0; url=/en/governance"' in await response.text()
            cookie = next(one for one in response.headers.getall("Set-Cookie") if one.startswith("verbund-desk="))
        assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
        assert "verbund-desk-sign-in" not in session.cookie_jar.filter_cookies(URL(node))
        status, text = await got(session, f"{node}/en/governance")
        assert status == 200
        (person,) = re.findall(r"person-[\w-]+", text)
        assert "lovelace" not in text
        assert (await got(session, f"{node}/audit"))[0] == 403
    async with browser("ada-lovelace") as session:
        await got(session, f"{node}/sign-in/provider")
        assert person in (await got(session, f"{node}/governance"))[1], "the same person, the same pseudonym"


async def test_roles_say_which_desks_are_open(scene):
    node = scene.town.settings.issuer
    async with browser("grace-hopper") as session:
        assert 'url=/audit"' in (await got(session, f"{node}/sign-in/provider"))[1]
        for desk in ("/audit", "/governance"):
            assert (await got(session, node + desk))[0] == 200
    async with browser("somebody-else") as session:
        status, text = await got(session, f"{node}/sign-in/provider")
        assert status == 403
        assert "Ihr Konto hat hier keine Aufgabe" in text
        assert (await got(session, f"{node}/audit"))[0] == 401


async def test_the_documented_roles_of_keycloak_open_the_desks(realm):
    """Among the many roles of a realm those count that the documented mapper puts into the ID token."""
    node = realm.town.settings.issuer
    async with browser("grace-hopper") as session:
        assert 'url=/audit"' in (await got(session, f"{node}/sign-in/provider"))[1]
        assert (await got(session, f"{node}/governance"))[0] == 200
    async with browser("somebody-else") as session:
        assert (await got(session, f"{node}/sign-in/provider"))[0] == 403


async def test_a_sign_in_ends_in_the_browser_in_which_it_began_and_once(scene):
    node = scene.town.settings.issuer
    async with browser("grace-hopper") as session, browser("grace-hopper") as other:
        async with session.get(f"{node}/sign-in/provider", allow_redirects=False) as response:
            url = URL(response.headers["Location"])
        while url.host == "127.0.0.1" and not str(url).startswith(f"{node}/sign-in/callback"):
            async with session.get(url, allow_redirects=False) as response:
                url = url.join(URL(response.headers["Location"], encoded=True))
        status, text = await got(other, str(url))
        assert status == 403
        assert "hat nicht geklappt" in text
        assert (await got(session, str(url)))[0] == 403, "it was tried elsewhere, and counts no more"
        assert (await got(session, f"{node}/sign-in/callback?state=x&code=y"))[0] == 403
        assert (await got(session, f"{node}/audit"))[0] == 401
