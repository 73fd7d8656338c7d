"""Make one report: print it, write its files, keep it in MLflow."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from iot_ids import tracking
from iot_ids.common import atomic
from iot_ids.common.errors import UserError
from iot_ids.comparison import paper_table, reports
from iot_ids.comparison.render import console as shown
from iot_ids.comparison.render.page import Report
from iot_ids.comparison.spec import Compare
from iot_ids.tracking import Store


def compare(settings: Compare) -> None:
    """Make the report that `settings` choose, or the paper's table of one run.

    Raises:
        UserError: there is nothing to compare, or what there is does not belong together.
    """
    stores = tracking.existing_stores(settings.tracking)
    console = shown.terminal()
    with atomic.temporary_folder() as copies:
        if settings.run is not None:
            _one_run(stores, settings.run, settings.folder, copies, console)
            return
        store, made = reports.maker(settings.report)(stores, settings, copies)
    made.show(console)
    folder = Path(settings.folder) if settings.folder else made.folder
    with _writing(folder, console):
        for name, write in made.files.items():
            write(folder / name)
    if settings.log:
        kept = keep(store, made, settings, folder)
        console.print(f"run {kept}\n{store.ui_command()}", highlight=False, soft_wrap=True)


def keep(store: Store, made: Report, settings: Compare, folder: Path) -> str:
    """Log the files as a run named `comparison`, whose tag `kind` keeps it out of comparisons; return its id."""
    tags = {
        name: ", ".join(sorted({run.tags.get(name, "unknown") for run in made.runs}))
        for name in ("data.origin", "data.sha256", "protocol")
    }
    parameters = tracking.flat({**asdict(settings), "runs": [run.id for run in made.runs]})
    with tracking.start(store, "comparison", parameters, {"kind": "comparison", **tags}) as run:
        for name in made.files:
            run.artifact(folder / name)
    return run.id


def _one_run(stores: dict[str, Store], beginning: str, folder: str | None, copies: Path, console: Console) -> None:
    """The paper's table and chart of one run, printed and written."""
    store, run = paper_table.find(stores, beginning)
    read = paper_table.read(store, run, copies)
    place = Path(folder or Path("comparison") / f"run-{run.id[:8]}")
    said = paper_table.markdown(paper_table.averaged(read), run)
    console.print(said, highlight=False, soft_wrap=True)  # a row broken in two is no Markdown
    with _writing(place, console):
        paper_table.write(read, run, place)


@contextmanager
def _writing(folder: Path, console: Console) -> Iterator[None]:
    """Say where the files are, or that the user has to name another folder."""
    try:
        atomic.remove_leftovers(folder)
        yield
    except OSError as error:
        raise UserError(f"folder={folder}: cannot be written: {error}; name another: folder=PATH") from error
    console.print(f"written to {folder}", highlight=False, soft_wrap=True)
