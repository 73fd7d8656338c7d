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

    from iot_ids.data.load import load
    from iot_ids.data.schema import Cache, Columns, Dataset, Taxonomy
    from iot_ids.data.splits import RandomSplit

    dataset = Dataset(
        name="filled",
        title="What fills the cache",
        path=file,
        columns=Columns(numeric=["mean", "stddev", "max"], categorical=["proto"], labels=["category"]),
        labels={"category": Taxonomy(["category"], {"normal": ["Normal"], "attack": ["*"]}, "normal")},
    )
    loaded = load(dataset, RandomSplit("random", 0.2, 0.2), 0, Cache(path=cache))
    parts = (loaded.train, loaded.validation, loaded.read_test().flows)
    return hashlib.sha256("".join(part.write_csv() for part in parts).encode()).hexdigest()


if __name__ == "__main__":
    main(*sys.argv[1:])
