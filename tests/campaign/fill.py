"""`python -m tests.campaign.fill FILE [CACHE]`: fill the cache with the flows of FILE, and say which rows it serves."""

import sys


def main(file: str, cache: str | None = None) -> None:
    """Print the SHA-256 of the rows; an interruption is one word, as in the project's own commands."""
    try:
        print(_digest(file, cache))
    except KeyboardInterrupt:
        sys.exit("interrupted")


def _digest(file: str, cache: str | None) -> str:
    import hashlib
    from dataclasses import replace

    from iot_ids.data.load import load
    from iot_ids.data.spec import Cache, RandomSplit

    from .forms import dataset_of

    dataset = replace(dataset_of("bot_iot_10_best"), path=file)
    loaded = load(dataset, RandomSplit("random", 0.2, 0.2), 0, Cache(path=cache))
    parts = (loaded.train, loaded.validation, loaded.read_test().flows)
    return hashlib.sha256("".join(part.write_csv() for part in parts).encode()).hexdigest()


if __name__ == "__main__":
    main(*sys.argv[1:])
