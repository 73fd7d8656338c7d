"""Addresses of stores and storages, as they may be printed and kept."""

import re

SECRETS = (
    (re.compile(r"(://[^:/@\s]+):[^/\s]*@"), r"\1@"),
    (re.compile(r"([?&]password=)[^&\s]*", re.IGNORECASE), r"\1..."),
)
"""A password before the host, and one among an address's parameters."""


def public(text: str) -> str:
    """A text with the passwords of its addresses left out."""
    for secret, instead in SECRETS:
        text = secret.sub(instead, text)
    return text
