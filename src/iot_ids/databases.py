"""Whose tables a database holds: MLflow's and Optuna's both keep their version in a table of the same name."""

from pathlib import Path

from sqlalchemy import create_engine, inspect
from sqlalchemy.pool import NullPool

SQLITE = "sqlite:///"
MLFLOWS, OPTUNAS = {"experiments", "runs"}, {"studies", "trials"}
"""Tables by which either is known."""


def tables_of(url: str) -> set[str]:
    """The names of the tables; none where the file is not there, which is not made.

    Raises:
        SQLAlchemyError: it cannot be read.
    """
    if url.startswith(SQLITE) and not Path(url.removeprefix(SQLITE)).is_file():
        return set()
    engine = create_engine(url, poolclass=NullPool)
    return set(inspect(engine).get_table_names())
