"""`python -m tests.campaign [hours=.1] [seed=0] [only=files,kills]`: attack the project, count, write the page."""

import sys
import time

from benchmarks.machine import commit, machine, now

from . import bits, configurations, files, kills, page, starts
from .page import Section
from .pursuit import attacked

SHARES = {files: 0.35, bits: 0.05, configurations: 0.2, kills: 0.3, starts: 0.1}
"""Which part of the time each subject gets; what it leaves is the next one's."""


def settings(words: list[str]) -> tuple[float, int, list[str]]:
    """Hours, seed and subjects.

    Raises:
        SystemExit: a word means nothing.
    """
    given = dict(word.partition("=")[::2] for word in words)
    names = [subject.__name__.rpartition(".")[2] for subject in SHARES]
    only = given.pop("only", ",".join(names)).split(",")
    try:
        hours, seed = float(given.pop("hours", 0.1)), int(given.pop("seed", 0))
    except ValueError as error:
        sys.exit(f"{error}; hours is a number, seed a whole number")
    if given or not set(only) <= set(names) or hours <= 0:
        sys.exit(f"{' '.join(words)}: there are hours=NUMBER, seed=NUMBER and only= some of {','.join(names)}")
    return hours, seed, only


def main(words: list[str]) -> None:
    """Make the attacks, each as often as it aims at or as there is time for."""
    hours, seed, only = settings(words)
    chosen = {subject: share for subject, share in SHARES.items() if subject.__name__.rpartition(".")[2] in only}
    sections, made = page.read(), (now(), commit(), seed, machine(), " ".join(["make campaign", *words]))
    until = time.monotonic() + 3600 * hours
    while chosen:
        subject, share = next(iter(chosen.items()))
        left, of = max(until - time.monotonic(), 0), sum(chosen.values())
        del chosen[subject]
        for tally in attacked(subject, seed, left * share / of):
            sections[tally.what] = Section(*made, tally)
            page.write(sections)
            print(
                f"{tally.what}: {tally.tried:,} of {tally.aim:,}, {sum(tally.faults.values()):,} with faults",
                flush=True,
            )
            print("".join(f"  {example}\n" for example in tally.examples[:3]), end="", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
