"""What is shown of an address."""

import pytest

from iot_ids.addresses import public


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql+psycopg://ann:se:c@ret@host:5432/ids", "postgresql+psycopg://ann@host:5432/ids"),
        ("a=x://b:secret@c/d seed=1", "a=x://b@c/d seed=1"),
        (
            "postgresql://ann@host/ids?password=se:cret&sslmode=require",
            "postgresql://ann@host/ids?password=...&sslmode=require",
        ),
        ("postgresql://host/ids?user=ann&PASSWORD=secret seed=1", "postgresql://host/ids?user=ann&PASSWORD=... seed=1"),
    ],
)
def test_a_password_is_not_shown(address: str, shown: str) -> None:
    assert public(address) == shown


def test_what_is_no_password_stays() -> None:
    text = "mlruns/optuna.journal http://host:80/x@y http://host/?passwords=2"
    assert public(text) == text
