"""Addresses without their passwords, and their return for the connection."""

import os

import pytest

from iot_ids.common.redact import redact_exceptions, redact_passwords, redact_secrets, seal_addresses, unseal

pytestmark = pytest.mark.usefixtures("own_environment")
SHOWN = [
    ("postgresql+psycopg://ann:se:c@ret@host:5432/ids", "postgresql+psycopg://ann@host:5432/ids"),
    ("a=x://b:secret@c/d seed=1", "a=x://b@c/d seed=1"),
    ("postgresql://ann:se/c/ret@host/ids", "postgresql://ann@host/ids"),
    ("postgresql://ann:12/34@host/ids", "postgresql://ann@host/ids"),
    ("http://ann:s?cr#t@host", "http://ann@host"),
    ("http://ann:p://q@host", "http://ann@host"),
    ("http://ann:%73%2F@host", "http://ann@host"),
    ("redis://:secret@host/0", "redis://host/0"),
    ("http://ann:secret@[::1]:5000/", "http://ann@[::1]:5000/"),
    ("u=http://a:secret@h,http://b:secret@g", "u=http://a@h,http://b@g"),
    ("('http://a:secret@h/', \"x://b:secret@g\")", "('http://a@h/', \"x://b@g\")"),
    ("postgresql://ann:p@host/db?options=a@b", "postgresql://ann@host/db?options=a@b"),
    ("host=h user=u password=secret", "host=h user=u password=..."),
    ("Driver=x;PWD=secret;Server=y", "Driver=x;PWD=...;Server=y"),
    ("postgresql://host/ids?user=ann&PASSWORD=secret seed=1", "postgresql://host/ids?user=ann seed=1"),
    ("postgresql://h/d?password=se:c@ret&sslmode=require", "postgresql://h/d?sslmode=require"),
    ("x://h/d?odbc_connect=Driver%3Dx%3BPWD%3Dsecret", "x://h/d"),
    ("see 'http://h/?token=secret'", "see 'http://h/'"),
]
NAMES = "password passwd pwd PWD sslpassword token access_token secret client_secret api_key apikey X-Amz-Signature key"
NO_SECRETS = [
    "mlruns/optuna.journal",
    "http://host:80/x@y",
    "http://host/?passwords=2",
    "http://host/?monkey=2",
    "sqlite:////home/a:b/c@d.db",
    "postgresql://ann@host/ids?sslmode=require&passfile=.pgpass&sslkey=my.key",
    "postgresql://ann:@host/ids",
    "http://ann:${oc.env:MINE}@host?token=${oc.env:MINE}",
    "${oc.env:MINE}",
    "dataset.labels.category.classes.password=[password]",
]


@pytest.mark.parametrize(("address", "shown"), SHOWN)
def test_a_password_is_not_shown(address: str, shown: str) -> None:
    assert redact_passwords(address) == shown


@pytest.mark.parametrize("name", NAMES.split())
def test_a_parameter_that_is_named_like_a_secret_is_not_shown(name: str) -> None:
    assert redact_passwords(f"postgresql://ann@host/ids?a=1&{name}=se:c@ret&b=2") == "postgresql://ann@host/ids?a=1&b=2"
    assert redact_passwords(f"postgresql://ann@host/ids?{name}=secret") == "postgresql://ann@host/ids"


@pytest.mark.parametrize("text", NO_SECRETS)
def test_what_is_no_password_stays(text: str) -> None:
    assert redact_passwords(text) == text
    assert seal_addresses(text) == text


@pytest.mark.parametrize(
    ("address", "connects"),
    [
        ("postgresql://ann:se/c@r:e?t%21@host/ids?sslmode=require", "se%2Fc%40r%3Ae%3Ft%21@host/ids?sslmode=require"),
        ("postgresql://ann:100%@host/ids", "100%25@host/ids"),
    ],
)
def test_a_sealed_address_connects_as_it_was_typed(address: str, connects: str) -> None:
    assert unseal(seal_addresses(address)) == f"postgresql://ann:{connects}"


def test_an_address_that_is_sealed_again_keeps_its_password() -> None:
    once = seal_addresses("postgresql://h/d?password=a b)c&x=1")
    assert (seal_addresses(once), unseal(once)) == ("postgresql://h/d?x=1", "postgresql://h/d?password=a b)c&x=1")


def test_an_address_without_a_secret_is_nowhere_kept() -> None:
    before = dict(os.environ)
    assert (
        seal_addresses("postgresql://ann@open/ids")
        == unseal("postgresql://ann@open/ids")
        == "postgresql://ann@open/ids"
    )
    assert dict(os.environ) == before


def test_what_others_say_has_no_secret_even_outside_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "known to libpq")
    seal_addresses("postgresql://ann:hid%2Fden@host/ids")
    assert redact_secrets("no host 'hid/den' or hid%2Fden; known to libpq") == "no host '...' or ...; ..."


def test_an_exception_and_what_it_came_from_lose_their_secrets() -> None:
    came_from = OSError(2, "http://ann:secret@host")
    with pytest.raises(RuntimeError, match=r"^no http://ann@host$"), redact_exceptions():
        raise RuntimeError("no http://ann:secret@host") from came_from
    assert came_from.args == (2, "http://ann@host")


def test_a_chain_of_exceptions_that_leads_back_to_itself_ends() -> None:
    first, second = ValueError("http://ann:secret@host"), KeyError("http://ann:secret@host")
    first.__cause__, second.__context__ = second, first
    with pytest.raises(ValueError, match=r"^http://ann@host$"), redact_exceptions():
        raise first
    assert second.args == ("http://ann@host",)
