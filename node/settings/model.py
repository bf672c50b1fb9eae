"""All settings of a node, each with its meaning: docs/settings.md is made from this by `make settings`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from node.settings.desk import Desk
from node.settings.limits import Limits
from node.settings.meaning import Secret, count, told
from node.settings.portal import Portal

Port = Annotated[int, msgspec.Meta(ge=1, le=65_535)]
LONG_DAYS = 36_500
LONG_S = LONG_DAYS * 86_400


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All settings of a node. See `docs/settings.md`."""

    city: Annotated[
        str,
        told("The city's id: small letters, digits, hyphens, e.g. `giessen`. Never change it: ids of data contain it."),
    ]
    name: Annotated[str, told("The city's name, e.g. `Gießen`.")]
    issuer: Annotated[str, told("Public URL of the node, `https://host` without path. Issuer of its tokens.")]
    home: Annotated[
        Path,
        told(
            "Where settings, keys, anchors and the embedded database lie. Not set in the file.",
            default="the directory",
        ),
    ]
    ags: Annotated[str | None, told("Official municipality key, 8 digits.")] = None
    host: Annotated[str, told("Address to listen on.")] = "127.0.0.1"
    port: Annotated[Port, told("Port to listen on.")] = 8080
    workers: Annotated[int, count("Worker processes.", le=1_000)] = 1
    pool_size: Annotated[int, count("Database connections of each worker, at most.", le=1_000)] = 10
    database_url: Annotated[
        str | None,
        told(
            "`postgresql://user:password@host/database` of a PostgreSQL 18 server. Without it the node runs its own.",
            default="embedded",
            secret=True,
        ),
    ] = None
    keys_directory: Annotated[
        Path | None,
        told("Where the node's private keys lie, e.g. a mounted secret.", default="`keys` in the home", more="keys.md"),
    ] = None
    key_passphrase_file: Annotated[
        Path | None,
        told("File with the passphrase of the keys, readable by the node alone, e.g. a mounted secret."),
    ] = None
    key_passphrase: Annotated[
        Secret | None,
        told("The passphrase itself; only as `VERBUND_KEY_PASSPHRASE`, never in the file.", secret=True),
    ] = None
    peer_networks: Annotated[
        tuple[str, ...],
        told(
            "Networks that are not public and in which peers, anchors or the identity provider may lie, e.g."
            ' `["10.20.0.0/16"]`; as a variable with commas. All other private, loopback and link-local addresses are'
            " refused, by the address of each connection."
        ),
    ] = ()
    ca_file: Annotated[
        Path | None,
        told(
            "Certificates (PEM) of the authorities that are trusted for TLS instead of the system's. Relative to the"
            " home.",
            default="the system's",
        ),
    ] = None
    log_level: Annotated[str, told("`debug`, `info`, `warning` or `error`.")] = "info"
    log_format: Annotated[
        Literal["text", "json"],
        told("`text`, or `json` for one object a line.", more="telemetry.md#log-lines"),
    ] = "text"
    metrics_host: Annotated[str, told("Address to serve figures on.")] = "127.0.0.1"
    metrics_port: Annotated[
        Port | None,
        told(
            "Port for Prometheus to fetch figures from, at `/metrics`. Not to be exposed to the internet.",
            more="telemetry.md",
        ),
    ] = None
    otlp_endpoint: Annotated[
        str | None, told("Collector for traces and figures (OTLP over HTTP), e.g. `http://collector:4318`.")
    ] = None
    trace_share: Annotated[
        float,
        told(
            "Share of the requests that are recorded as traces, 0 to 1; without a collector none is.",
            more="telemetry.md#traces",
            ge=0,
            le=1,
        ),
    ] = 0.05
    mqtt_url: Annotated[
        str | None,
        told(
            "Broker to take observations in from, e.g. `mqtts://verbund@broker:8883`.",
            more="ingest.md#observations-from-an-mqtt-broker",
        ),
    ] = None
    mqtt_topic: Annotated[str, told("What is subscribed to there.")] = "v1.1/+/Observations"
    mqtt_password_file: Annotated[
        Path | None, told("File with the broker's password, e.g. a mounted secret. Relative to the home.")
    ] = None
    unsafe_plain_http: Annotated[
        bool,
        told("Allow http URLs for this node and its peers. For trials on one machine; never in production."),
    ] = False
    demo: Annotated[bool, told("This is a demonstration with invented data: every page says so.")] = False
    trusted_documents_only: Annotated[
        bool,
        told(
            "Answer only the documents (`*.graphql`) in the folder `documents` of the home, to callers; peers are not"
            " concerned.",
            more="http.md#trusted-documents",
        ),
    ] = False
    identity_provider: Annotated[
        str | None,
        told("Issuer of the city's OpenID Connect provider, with which people sign in.", more="sign-in.md"),
    ] = None
    identity_provider_client_id: Annotated[str, told("The node's client id there.")] = "verbund"
    summaries_every_s: Annotated[
        int,
        count(
            "How often the members' summaries are fetched, by which cities that can't have a match are not asked. 0:"
            " never.",
            unit="s",
            ge=0,
            le=3_600,
            more="federation.md#cities-that-cant-have-a-match",
        ),
    ] = 20
    membership_every_s: Annotated[
        int,
        count(
            "How often the anchors and the other nodes are asked what they say of themselves.",
            unit="s",
            le=3_600,
            more="membership.md",
        ),
    ] = 60
    witness_every_s: Annotated[
        int,
        count(
            "How often the witnesses of the access log are asked to cosign its head, and the other members' logs are"
            " looked at.",
            unit="s",
            le=3_600,
            more="access-log.md#witnesses",
        ),
    ] = 30
    share_unwitnessed_s: Annotated[
        int,
        count(
            "After how long without a quorum of witnesses agreements no longer hold: the open tier goes on, shared data"
            " does not leave.",
            unit="s",
            le=LONG_S,
        ),
    ] = 14_400
    keep_accesses_days: Annotated[
        int,
        count(
            "How long access records are kept.",
            unit="days",
            le=LONG_DAYS,
            more="access-log.md#what-is-kept-and-for-how-long",
        ),
    ] = 730
    keep_security_days: Annotated[
        int, count("How long security events are kept in the log.", unit="days", le=LONG_DAYS)
    ] = 90
    limits: Annotated[Limits, told("The table `[limits]`.", default="see below")] = msgspec.field(
        default_factory=Limits
    )
    portal: Annotated[Portal, told("The table `[portal]`.", default="see below")] = msgspec.field(
        default_factory=Portal
    )
    desk: Annotated[Desk, told("The table `[desk]`.", default="see below")] = msgspec.field(default_factory=Desk)

    @property
    def unsafe(self) -> list[str]:
        """Insecure switches that are on; a node that starts with one says so loudly."""
        return [name for name in self.__struct_fields__ if name.startswith("unsafe_") and getattr(self, name)]

    @property
    def graphql_url(self) -> str:
        """This node's GraphQL endpoint: the audience of its access tokens."""
        return f"{self.issuer}/graphql"

    @property
    def token_endpoint(self) -> str:
        """Where applications and peers get tokens."""
        return f"{self.issuer}/oauth/token"

    @property
    def keys_home(self) -> Path:
        """The directory with the node's private keys."""
        return self.home / (self.keys_directory or "keys")

    @property
    def signing_key_file(self) -> Path:
        """The first private key with which this node signs tokens and vouches for its applications."""
        return self.keys_home / "signing.pem"

    @property
    def log_key_file(self) -> Path:
        """The private key with which this node signs the heads of its log."""
        return self.keys_home / "log.pem"

    @property
    def witness_key_file(self) -> Path:
        """The private key with which this node cosigns the heads of other members' logs."""
        return self.keys_home / "witness.pem"

    @property
    def anchors_directory(self) -> Path:
        """The anchors that this node trusts, one `*.json` each, as `verbund member join` puts them there."""
        return self.home / "anchors"

    @property
    def policies_directory(self) -> Path:
        """The city's own rules (`*.cedar`) and what they have to decide (`expectations.toml`), optional."""
        return self.home / "policies"

    @property
    def trusted_documents_directory(self) -> Path:
        """Documents (`*.graphql`) that callers can name by their hash, optional."""
        return self.home / "documents"

    @property
    def postgres_directory(self) -> Path:
        """Data of the embedded PostgreSQL, if no `database_url` is set."""
        return self.home / "postgres"
