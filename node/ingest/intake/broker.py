"""The MQTT broker that a city's sensors publish to, and how it is reached."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import aiomqtt

from node.members import authorities
from node.settings import Settings, SettingsError


@dataclass(frozen=True, slots=True)
class Broker:
    """Where to read: `mqtts://user@host:8883`, or mqtt:// on a trial's own machine; the password is kept apart.

    `authorities`: None for the system's.
    """

    url: str
    password: str | None
    topic: str
    client_id: str
    authorities: ssl.SSLContext | None = None

    @property
    def tls(self) -> ssl.SSLContext | None:
        """How it is encrypted."""
        if urlsplit(self.url).scheme != "mqtts":
            return None
        return self.authorities or ssl.create_default_context()

    def client(self, client_id: str, **more: Any) -> aiomqtt.Client:
        """A client of MQTT 5 that is not connected yet."""
        address = urlsplit(self.url)
        return aiomqtt.Client(
            address.hostname or "",
            address.port or (8883 if address.scheme == "mqtts" else 1883),
            username=unquote(address.username) if address.username else None,
            password=self.password,
            identifier=client_id,
            protocol=aiomqtt.ProtocolVersion.V5,
            tls_context=self.tls,
            **more,
        )


def broker_of(settings: Settings) -> Broker | None:
    """The broker that the settings name; None if there is none.

    Raises:
        SettingsError: its password can't be read.
    """
    if settings.mqtt_url is None:
        return None
    file, password = settings.mqtt_password_file, None
    if file is not None:
        try:
            password = (settings.home / file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError([f"mqtt_password_file: {settings.home / file} can't be read ({error})"]) from error
    return Broker(settings.mqtt_url, password, settings.mqtt_topic, f"verbund-{settings.city}", authorities(settings))
