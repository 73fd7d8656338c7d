"""Groups methods that agree in every parameter except those under study."""

from collections.abc import Sequence

from iot_ids.comparison.loading import Method
from iot_ids.comparison.names import SAYS_NOTHING, method_names
from iot_ids.tracking import KeptRun


def variants(methods: Sequence[Method], varied: Sequence[str]) -> dict[str, list[Method]]:
    """Groups of methods by the name of what they share, such as `gru` or `gru, hidden_size=64`.

    Args:
        methods: all there are.
        varied: beginnings of parameters that may differ inside a group; they are not in its name.
    """
    of_run = {id(method.records[0].run): method for method in methods}
    groups = by_method([method.records[0].run for method in methods], varied)
    return {name: [of_run[id(run)] for run in them] for name, them in groups.items()}


def by_method(runs: Sequence[KeptRun], varied: Sequence[str]) -> dict[str, list[KeptRun]]:
    """Group runs in the same way, whatever their seeds."""
    groups: dict[frozenset[tuple[str, str]], list[KeptRun]] = {}
    for run in runs:
        shared = {k: v for k, v in run.parameters.items() if not k.startswith((*SAYS_NOTHING, *varied))}
        groups.setdefault(frozenset(shared.items()), []).append(run)
    fingerprints = [them[0].tags["config.fingerprint"] for them in groups.values()]
    names = method_names([dict(shared) for shared in groups], fingerprints)
    return dict(zip(names, groups.values(), strict=True))


def closest(method: Method, candidates: Sequence[Method]) -> Method | None:
    """Return the candidate with the most seeds in common, the first of equals; None without candidates."""
    return max(candidates, key=lambda each: len(set(each.seeds) & set(method.seeds)), default=None)
