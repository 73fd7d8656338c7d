"""Several workers, dead workers, and resumed studies: every trial counted once, none lost, none left running."""

import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.distributions import IntDistribution
from optuna.trial import TrialState

from iot_ids.common.errors import UserError
from iot_ids.sweep import storage as storages
from iot_ids.sweep.study import StudySpec, Worker, counts, failed, join_study
from sweep.conftest import waiting_worker, worker

Asking = Callable[..., StudySpec]


def work(asked: StudySpec, until: int | None = None) -> list[dict[str, Any]]:
    """Complete trials until none is missing, or `until` are complete; return the parameters of all that count."""
    with join_study(asked) as me:
        done = 0
        while done != until and (trial := me.next_trial()) is not None:
            me.complete(trial, [trial.params["k"] + trial.params["r"]])
            done += 1
        return [each.params for each in me.trials()]


def states(asked: StudySpec) -> list[TrialState]:
    study = optuna.load_study(study_name=asked.name, storage=storages.opened(asked.storage))
    return [trial.state for trial in study.get_trials()]


def test_the_first_trial_is_the_configurations_own(here: Asking) -> None:
    assert work(here(n_trials=2))[0] == {"k": 8, "r": 0.5}


def test_started_again_it_runs_what_is_missing_and_repeats_no_configuration(asked: Asking) -> None:
    assert len(work(asked(n_trials=5))) == 5
    found = work(asked(n_trials=12))
    assert len(found) == len({tuple(each.items()) for each in found}) == 12
    assert work(asked(n_trials=12)) == found


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_cut_off_and_resumed_it_is_the_study_that_it_would_have_been(asked: Asking, sampler: str) -> None:
    in_pieces = asked(sampler=sampler)
    for count in (3, 1, None):
        pieces = work(in_pieces, until=count)
    whole = asked(sampler=sampler)
    whole = replace(whole, name=f"{whole.name}-whole")
    assert work(whole) == pieces


@pytest.mark.slow
def test_four_workers_started_at_once_on_a_fresh_storage_finish_exactly_what_was_asked_for(
    asked: Asking, tmp_path: Path
) -> None:
    job = asked(n_trials=25)
    workers = [worker(job, tmp_path, seconds=0.01) for _ in range(4)]
    ended = [each.ended() for each in workers]
    assert [each.code for each in ended] == [0] * 4, ended
    assert states(job) == [TrialState.COMPLETE] * 25


@pytest.mark.slow
def test_a_killed_workers_trial_fails_at_resume_and_is_tried_again(asked: Asking, tmp_path: Path) -> None:
    job = asked(n_trials=6)
    dying = waiting_worker(job, tmp_path, stops_at=3)
    assert states(job).count(TrialState.RUNNING) == 1
    dying.send(signal.SIGKILL)
    dying.ended()
    found = work(job)
    ended = states(job)
    assert (ended.count(TrialState.COMPLETE), ended.count(TrialState.FAIL), len(ended)) == (6, 1, 7)
    study = optuna.load_study(study_name=job.name, storage=storages.opened(job.storage))
    lost = study.get_trials()[3]
    assert lost.user_attrs["reason"] == "its worker died"
    assert not counts(lost)
    assert found.count(lost.params) == 1


@pytest.mark.slow
def test_a_living_workers_trial_is_left_alone(asked: Asking, tmp_path: Path) -> None:
    job = asked(n_trials=2)
    slow = waiting_worker(job, tmp_path, stops_at=1)
    try:
        with join_study(job) as me:
            assert me.next_trial() is None
            assert me.running_elsewhere() == 1
            assert states(job) == [TrialState.COMPLETE, TrialState.RUNNING]
    finally:
        slow.send(signal.SIGKILL)
        slow.ended()


def vanish(me: Worker) -> None:
    """Leave what a worker that died in a trial leaves: a RUNNING trial, and a worker's lock that nobody holds."""
    trial = me.next_trial()
    assert trial is not None
    trial.set_user_attr("worker", "worker-gone")


def test_a_configuration_that_kills_every_worker_is_given_up_and_counts_as_failed(here: Asking) -> None:
    job = here(n_trials=3)
    with join_study(job) as me:
        for _ in range(3):
            vanish(me)
        me.fail_lost()
        given_up = [trial for trial in me.study.get_trials() if failed(trial)]
    assert [trial.params for trial in given_up] == [{"k": 8, "r": 0.5}]
    assert len(work(job)) == 3
    assert states(job).count(TrialState.COMPLETE) == 2


def test_an_interrupted_trial_is_tried_again_however_often(here: Asking) -> None:
    job = here(n_trials=2)
    with join_study(job) as me:
        for _ in range(5):
            trial = me.next_trial()
            assert trial is not None
            assert trial.params == {"k": 8, "r": 0.5}
            me.give_back()
    assert work(job)[0] == {"k": 8, "r": 0.5}
    assert states(job) == [TrialState.FAIL] * 5 + [TrialState.COMPLETE] * 2


def test_a_worker_that_died_while_a_trial_was_proposed_leaves_nothing_behind(here: Asking) -> None:
    job = here(n_trials=3)
    with join_study(job) as me:
        first = me.next_trial()
        assert first is not None
        me.complete(first, [1.0])
        me.study.ask()
    assert len(work(job)) == 3
    assert sorted(state.name for state in states(job)) == ["COMPLETE"] * 3 + ["FAIL"]


def test_a_worker_that_died_while_it_took_a_trial_in_line_leaves_it_in_line(here: Asking) -> None:
    job = here(n_trials=3)
    with join_study(job) as me:
        me.study.ask()
    assert work(job)[0] == {"k": 8, "r": 0.5}
    assert len(work(job)) == 3


def test_a_worker_whose_trial_was_taken_over_is_told(here: Asking) -> None:
    job = here(n_trials=2)
    with join_study(job) as me:
        trial = me.next_trial()
        assert trial is not None
        me.give_back()
        with pytest.raises(UserError, match="trial 0 was taken over"):
            me.complete(trial, [1.0])


def test_a_failed_configuration_is_not_tried_again(here: Asking) -> None:
    job = here(n_trials=3)
    with join_study(job) as me:
        trial = me.next_trial()
        assert trial is not None
        me.fail(trial, "the loss became nan")
        assert [failed(each) for each in me.trials()] == [True]
    assert len(work(job)) == 3
    assert states(job) == [TrialState.FAIL, TrialState.COMPLETE, TrialState.COMPLETE]


def test_a_study_of_other_settings_is_not_gone_on_with(here: Asking) -> None:
    job = here(n_trials=1)
    work(job)
    other = here(n_trials=1)
    other = replace(other, identity={"dataset": "another", "seed": "1"})
    with pytest.raises(UserError, match=r"dataset: made up then, another now\n  seed: nothing then, 1 now"):
        work(other)


def test_a_space_that_ends_ends_the_study(here: Asking) -> None:
    job = here(n_trials=50)
    job = replace(job, space={"k": IntDistribution(6, 9), "r": IntDistribution(0, 1)})
    job = replace(job, first={"k": 8, "r": 0})
    assert len(work(job)) == 8
