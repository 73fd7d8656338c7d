"""Tell MLflow's databases from Optuna's: both keep their version in a table of the same name."""

from pathlib import Path

from sqlalchemy import create_engine, inspect, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import NullPool

from iot_ids.common.errors import UserError

SQLITE = "sqlite:///"
MLFLOWS, OPTUNAS = {"experiments", "runs"}, {"studies", "trials"}
"""Tables that identify each."""
READ_IN_ADDRESSES = "%?{}"
"""Characters of a file's name that SQLAlchemy, or Optuna's address pattern, would interpret."""


def sqlite_file(url: str) -> Path:
    """Return the file of a SQLite address.

    Raises:
        UserError: something follows the file, for example after an unescaped question mark.
    """
    try:
        parts = make_url(url)
    except ArgumentError as error:
        raise UserError(f"{url} is not the address of a file: {error}") from error
    if "?" in url or not parts.database:
        raise UserError(f"{url} does not name a file; write sqlite:///FILE, with %3F for ? and %25 for % in its name")
    return Path(parts.database)


def sqlite_url(file: Path) -> str:
    """Return the absolute address of `file` for SQLAlchemy, MLflow and Optuna.

    Raises:
        UserError: the installed SQLAlchemy, older than 2.1, cannot address a file with this name.
    """
    path = str(file.resolve())
    odd = [letter for letter in READ_IN_ADDRESSES if letter in path]
    url = SQLITE + path.translate({ord(letter): f"%{ord(letter):02X}" for letter in odd})
    if odd and sqlite_file(url) != Path(path):
        raise UserError(
            f"{path}: SQLAlchemy before 2.1 cannot open a database with {' '.join(odd)} in its path; name another file"
        )
    return url


def tables_of(url: str) -> set[str]:
    """List the tables of a database; empty if its file does not exist. The file is not created.

    Raises:
        SQLAlchemyError: the database cannot be read.
    """
    if url.startswith(SQLITE) and not sqlite_file(url).is_file():
        return set()
    engine = create_engine(url, poolclass=NullPool)
    return set(inspect(engine).get_table_names())
