"""`iot-ids clear-cache [FOLDER]`: remove the cached tables, except those that a run is using."""

import sys
from pathlib import Path

from iot_ids.common.system_errors import run_program

FOLDER = "~/.cache/iot-ids"
"""As in conf/cache/disk.yaml."""
USAGE = f"""\
iot-ids clear-cache [FOLDER]

Remove the tables that training keeps between runs, by default in {FOLDER}. Tables that a run is using
stay, and so do files that are not the cache's.
"""


def main() -> None:
    """Clear the cache and print how much was removed."""
    run_program(_main)


def _main() -> None:
    words = sys.argv[1:]
    if not {"-h", "--help"}.isdisjoint(words):
        print(USAGE, end="")
        return
    if len(words) > 1 or any(word.startswith("-") for word in words):
        sys.exit(USAGE)
    try:
        print(clear(Path(words[0] if words else FOLDER).expanduser()))
    except KeyboardInterrupt:
        sys.exit("interrupted; what was removed is gone, the rest stays")


def clear(folder: Path) -> str:
    """Clear `folder` and return a line that says what was removed."""
    from iot_ids.data.cache.eviction import count_items, evict

    removed, freed = evict(folder, -1)
    in_use = count_items(folder)
    kept = f"; {in_use} in use by a run stay" if in_use else ""
    return f"{folder}: {removed} removed, {freed / 2**20:,.1f} MiB freed{kept}"


if __name__ == "__main__":
    main()
