"""`iot-ids clear-cache [FOLDER]`: remove what the cache keeps. Entries in use stay; the output says so."""

import sys
from pathlib import Path

from iot_ids.data.cache.eviction import count_items, evict

FOLDER = "~/.cache/iot-ids"
"""As in conf/cache/disk.yaml."""


def main(words: list[str]) -> str:
    """Clear the folder, by default FOLDER; say what was removed. Files that are not the cache's are left alone."""
    if len(words) > 1 or any(word.startswith("-") for word in words):
        return (__doc__ or "").strip()
    folder = Path(words[0] if words else FOLDER).expanduser()
    removed, freed = evict(folder, -1)
    stay = count_items(folder)
    kept = f"; {stay} in use by a run stay" if stay else ""
    return f"{folder}: {removed} removed, {freed / 2**20:,.1f} MiB freed{kept}"


if __name__ == "__main__":
    try:
        print(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("interrupted; what was removed is gone, the rest stays")
