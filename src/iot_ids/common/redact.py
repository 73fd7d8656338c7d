"""Keep passwords out of everything that is printed or stored: database and server addresses without their secrets.

A password is taken out of its address where it enters the program (`seal_addresses`) and put back where a connection
is made (`unseal`). In between it is kept only in the environment, like `PGPASSWORD`: nothing logs it, and jobs that a
launcher starts in separate processes inherit it.
"""

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import quote, unquote

SCHEME = r"[A-Za-z][A-Za-z0-9+.-]*://"
ADDRESS = re.compile(rf"{SCHEME}(?:(?!,\s*{SCHEME})\S)*")
"""In a longer text, an address ends at white space, or at a comma followed by another address."""
QUERY = re.compile(r"\?[\w.%-]+=")
HAS_PORT = re.compile(r"https?://[^/:@]*:\d{1,5}/")
NAMED = re.compile(
    r"(.*(password|passwd|pwd|passphrase|token|secret|signature|apikey|odbc_connect))|(.*[_.-])?(key|sig|pass|auth|credential)",
    re.IGNORECASE,
)
"""Names of query parameters that hold secrets."""
PARAMETER = r"(?P<before>[?&;])(?P<name>[\w.%-]+)=(?P<value>{value})"
IN_ADDRESS = re.compile(PARAMETER.format(value=r"[^&]*"))
IN_TEXT = re.compile(PARAMETER.format(value=r"(?:\$\{[^}]*\}|[^&\s'\"<>)\]}])*"))
LOOSE = re.compile(r"(?<![\w.?&])((?:ssl)?(?:password|passwd|pwd)\s*=\s*)('[^']*'|[^\s;&,'\"]+)", re.IGNORECASE)
"""Outside an address, as in libpq's `host=h password=p`."""
REFERENCE = re.compile(r"\$\{[^}]*\}")
"""Hydra's reference to a value stored elsewhere; not itself a secret."""
KEPT = "IOT_IDS_ADDRESS_"
IN_ENVIRONMENT = ("PGPASSWORD", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")
SHORTEST = 4
"""Shorter passwords are only redacted within addresses: elsewhere they could be ordinary words."""


@dataclass(frozen=True)
class Parts:
    """The parts of an address: `beginning` up to `://`, `user` and `password` as typed, `rest` from the host on."""

    beginning: str
    user: str
    password: str
    rest: str


def split_address(address: str) -> Parts:
    """Split an address. A password may contain `/`, `@`, `:` and `?`; it ends at the last `@` before a query."""
    beginning, rest = address[: (at := address.index("://") + 3)], address[at:]
    query = QUERY.search(rest)
    before = rest[: query.start()] if query else rest
    info, mark, _ = before.rpartition("@")
    user, _, password = info.partition(":")
    if not mark or "/" in user or (not password and "@" in user):
        return Parts(beginning, "", "", rest)
    if HAS_PORT.match(address):  # `http://host:80/x@y`
        return Parts(beginning, "", "", rest)
    return Parts(beginning, user, password, rest[len(info) + 1 :])


def redact_passwords(text: str) -> str:
    """Remove the secrets from the addresses in a text: passwords, and query parameters named like secrets.

    An address whose secret is a Hydra reference, such as `${oc.env:NAME}`, is left unchanged.
    """
    shown = ADDRESS.sub(lambda found: _redact_address(found[0], IN_TEXT), text)
    return LOOSE.sub(r"\1...", shown)


def seal_addresses(text: str) -> str:
    """Remove the secrets from the addresses in a text, and keep them in the environment for `unseal`."""
    if re.match(SCHEME, text):
        return _seal_address(text, IN_ADDRESS)
    return ADDRESS.sub(lambda found: _seal_address(found[0], IN_TEXT), text)


def unseal(address: str) -> str:
    """Return a sealed address with its secrets, the password percent-encoded; any other address unchanged."""
    return os.environ.get(_variable(address), address)


def redact_secrets(text: str) -> str:
    """Remove every known secret from another library's message, inside addresses and elsewhere."""
    for secret in sorted(_known_secrets(), key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", "...", text)
    return redact_passwords(text)


@contextmanager
def redact_exceptions() -> Iterator[None]:
    """Remove the secrets from the messages of an exception that leaves the block, and of its causes."""
    try:
        yield
    except Exception as error:
        for each in _chain(error):
            each.args = tuple(redact_secrets(word) if isinstance(word, str) else word for word in each.args)
        raise


def _chain(error: BaseException) -> list[BaseException]:
    """Return an exception and all that it came from, each once: a chain may lead back to itself."""
    found: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop()
        if each is not None and not any(each is known for known in found):
            found.append(each)
            waiting += [each.__cause__, each.__context__]
    return found


def _redact_address(address: str, parameter: re.Pattern[str]) -> str:
    parts = split_address(address)
    secret = parts.password and not REFERENCE.search(parts.password)
    user = f"{parts.user}@" if parts.user else ""
    shown = f"{parts.beginning}{user}{parts.rest}" if secret else address
    shown = parameter.sub(lambda found: found["before"].strip("&;") if _is_secret(found) else found[0], shown)
    return re.sub(r"\?(?=$|['\"<>)\]},])", "", re.sub(r"\?[&;]+", "?", shown)) if shown != address else address


def _is_secret(parameter: re.Match[str]) -> bool:
    return bool(NAMED.fullmatch(unquote(parameter["name"]))) and not REFERENCE.search(parameter["value"])


def _seal_address(address: str, parameter: re.Pattern[str]) -> str:
    shown = _redact_address(address, parameter)
    if shown != address:
        parts = split_address(address)
        password = f":{quote(unquote(parts.password), safe='')}" if parts.password else ""
        info = f"{parts.user}{password}@" if parts.user or password else ""
        os.environ[_variable(shown)] = f"{parts.beginning}{info}{parts.rest}"
    return shown


def _variable(address: str) -> str:
    return KEPT + hashlib.sha256(address.encode()).hexdigest()[:16].upper()


def _known_secrets() -> set[str]:
    """Return the secrets in the environment, as they are and percent-decoded."""
    found = {os.environ[name] for name in IN_ENVIRONMENT if name in os.environ}
    for address in (value for name, value in os.environ.items() if name.startswith(KEPT)):
        found.add(split_address(address).password)
        found |= {each["value"] for each in IN_ADDRESS.finditer(address) if _is_secret(each)}
    return {form for secret in found for form in (secret, unquote(secret)) if len(form) >= SHORTEST}
