"""Whose tables a database holds: MLflow's and Optuna's both keep their version in a table of the same name."""

from pathlib import Path

from sqlalchemy import create_engine, inspect, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import NullPool

from iot_ids.common.errors import UserError

SQLITE = "sqlite:///"
MLFLOWS, OPTUNAS = {"experiments", "runs"}, {"studies", "trials"}
"""Tables by which either is known."""
READ_IN_ADDRESSES = "%?{}"
"""What SQLAlchemy, or Optuna's pattern for addresses, reads as its own in a file's name."""


def sqlite_file(url: str) -> Path:
    """The file that an address of SQLite names.

    Raises:
        UserError: the address goes on after the file, as one with a bare question mark does.
    """
    try:
        parts = make_url(url)
    except ArgumentError as error:
        raise UserError(f"{url}: is no address of a file: {error}") from error
    if "?" in url or not parts.database:
        raise UserError(f"{url}: names no file; write sqlite:///FILE, and in its name %3F for ? and %25 for %")
    return Path(parts.database)


def sqlite_url(file: Path) -> str:
    """The address of `file`, made absolute, for SQLAlchemy, MLflow and Optuna.

    Raises:
        UserError: the installed SQLAlchemy (before 2.1) cannot address a file of such a name.
    """
    path = str(file.resolve())
    odd = [letter for letter in READ_IN_ADDRESSES if letter in path]
    url = SQLITE + path.translate({ord(letter): f"%{ord(letter):02X}" for letter in odd})
    if odd and sqlite_file(url) != Path(path):
        raise UserError(
            f"{path}: SQLAlchemy before 2.1 cannot open a database whose path holds {' '.join(odd)}; name another file"
        )
    return url


def tables_of(url: str) -> set[str]:
    """The names of the tables; none where the file is not there, which is not made.

    Raises:
        SQLAlchemyError: it cannot be read.
    """
    if url.startswith(SQLITE) and not sqlite_file(url).is_file():
        return set()
    engine = create_engine(url, poolclass=NullPool)
    return set(inspect(engine).get_table_names())
