"""Run as a worker in the tests: its trials take some time and train nothing."""

import sys
import time

from iot_ids.sweep.study import join_study
from sweep.conftest import asked_of


def main(storage: str, name: str, n_trials: str, seconds: str, stops_at: str) -> None:
    with join_study(asked_of(storage, name, n_trials=int(n_trials))) as worker:
        while (trial := worker.next_trial()) is not None:
            if trial.number == int(stops_at):
                print("here", flush=True)
                time.sleep(600)
            time.sleep(float(seconds))
            worker.complete(trial, [trial.params["k"] + trial.params["r"]])


if __name__ == "__main__":
    main(*sys.argv[1:])
