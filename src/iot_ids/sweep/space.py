"""Translate a search space from Hydra's override grammar to Optuna's distributions and back."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hydra.core.override_parser.types import IntervalSweep, Override, RangeSweep, Transformer
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from iot_ids.common.errors import UserError

FEATURES = "selector.k"
Space = Mapping[str, BaseDistribution]


@dataclass(frozen=True)
class ParsedOverrides:
    """The parsed overrides: values that all trials share, and the search space; `prefix` keeps a key's `+` or `++`."""

    fixed: list[str]
    space: dict[str, BaseDistribution]
    prefix: dict[str, str]

    def overrides(self, parameters: Mapping[str, Any]) -> list[str]:
        """Spell a trial's parameters as overrides."""
        return [f"{self.prefix[key]}{key}={spelled(value)}" for key, value in parameters.items()]


def parse(overrides: Iterable[Override]) -> ParsedOverrides:
    """Separate overrides into fixed ones and the search space. If a key is given twice, the later one counts.

    Raises:
        UserError: a seed is searched, or a range is empty.
    """
    latest = {override.get_key_element().lstrip("+~"): override for override in overrides}
    fixed = [str(override.input_line) for override in latest.values() if not override.is_sweep_override()]
    swept = {key: override for key, override in latest.items() if override.is_sweep_override()}
    for key in {"seed", "split_seed"}.intersection(swept):
        raise UserError(
            f"{swept[key].input_line}: a seed is not a hyper-parameter, the search would pick the luckiest; the seeds "
            "of the final runs are hydra.sweeper.final_seeds"
        )
    space = {key: _distribution(override) for key, override in swept.items()}
    prefix = {key: "+" * override.get_key_element().count("+") for key, override in swept.items()}
    return ParsedOverrides(fixed, space, prefix)


def _distribution(override: Override) -> BaseDistribution:
    sweep: Any = override._value  # the grammar's own object; `value()` returns only choices
    log = "log" in getattr(sweep, "tags", ())
    try:
        if isinstance(sweep, RangeSweep):
            return _range(sweep, log)
        if isinstance(sweep, IntervalSweep):
            kind = IntDistribution if isinstance(sweep.start, int) else FloatDistribution
            return kind(sweep.start, sweep.end, log=log)  # type: ignore[arg-type]
        return CategoricalDistribution(_choices(override))
    except (ValueError, IndexError) as error:
        raise UserError(f"{override.input_line}: {error}") from error


def _range(sweep: RangeSweep, log: bool) -> BaseDistribution:
    """Translate a range, which excludes its stop as in Python. On a log scale, Optuna allows no step but 1."""
    values = list(sweep.range())
    if not values:
        raise ValueError("the range is empty")
    if all(isinstance(value, int) for value in values):
        return IntDistribution(values[0], values[-1], log=log, step=int(sweep.step))
    return FloatDistribution(float(values[0]), float(values[-1]), step=None if log else float(sweep.step), log=log)


def _choices(override: Override) -> list[Any]:
    """List each choice once; values other than texts and numbers as they are spelled."""
    return list(dict.fromkeys(override.sweep_iterator(transformer=Transformer.encode)))


def spelled(value: Any) -> str:
    """Spell a value as it is typed; true, false and null in lower case."""
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def limit_features(space: Space, features: int) -> tuple[dict[str, BaseDistribution], str | None]:
    """Limit the number of features searched to the `features` available; also return a note if that changed the space.

    Raises:
        UserError: no value is left to search.
    """
    asked = space.get(FEATURES)
    if asked is None or all(value <= features for value in outermost(asked)):
        return dict(space), None
    said = f"{FEATURES} is searched only up to {features}, the number of encoded columns that vary on the training rows"
    if isinstance(asked, IntDistribution) and asked.low <= features:
        high = features if asked.log else asked.low + (features - asked.low) // asked.step * asked.step
        return {**space, FEATURES: IntDistribution(asked.low, high, asked.log, asked.step)}, said
    kept = [value for value in outermost(asked) if value <= features]
    if isinstance(asked, CategoricalDistribution) and kept:
        return {**space, FEATURES: CategoricalDistribution(kept)}, said
    raise UserError(
        f"{FEATURES}: every value to search is above {features}, the number of encoded columns that vary on the "
        "training rows"
    )


def outermost(distribution: BaseDistribution) -> list[Any]:
    """Return the lowest and the highest value of a distribution; all values of a choice."""
    if isinstance(distribution, CategoricalDistribution):
        return list(distribution.choices)
    return [distribution.low, distribution.high]  # type: ignore[attr-defined]


def first_trial(space: Space, value_of: Callable[[str], Any]) -> dict[str, Any]:
    """Return the first trial: the configuration's own values, each moved to the nearest one in the space."""
    return {key: _snapped(value_of(key), distribution) for key, distribution in space.items()}


def _snapped(value: Any, distribution: BaseDistribution) -> Any:
    if isinstance(distribution, CategoricalDistribution):
        return _nearest(value, list(distribution.choices))
    low, high, step = distribution.low, distribution.high, distribution.step  # type: ignore[attr-defined]
    if not _is_number(value):
        return low
    inside = min(max(value, low), high)
    return inside if not step else type(low)(low + round((inside - low) / step) * step)


def _nearest(value: Any, choices: list[Any]) -> Any:
    """Return the choice spelled like `value`, else the nearest among the numbers, else the first."""
    for choice in choices:
        if spelled(choice) == spelled(value):
            return choice
    numbers = [choice for choice in choices if _is_number(choice)]
    if not numbers or not _is_number(value):
        return choices[0]
    return min(numbers, key=lambda choice: abs(choice - value))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def size(space: Space) -> int | None:
    """Count the configurations; None if the space is continuous."""
    count = 1
    for distribution in space.values():
        if isinstance(distribution, CategoricalDistribution):
            count *= len(distribution.choices)
        elif isinstance(distribution, IntDistribution) or distribution.step:  # type: ignore[attr-defined]
            low, high, step = distribution.low, distribution.high, distribution.step  # type: ignore[attr-defined]
            count *= round((high - low) / step) + 1
        else:
            return None
    return count


def values(distribution: BaseDistribution) -> list[Any]:
    """List every value of a distribution that has a `size`."""
    if isinstance(distribution, CategoricalDistribution):
        return list(distribution.choices)
    low, high, step = distribution.low, distribution.high, distribution.step  # type: ignore[attr-defined]
    return [type(low)(low + step * at) for at in range(round((high - low) / step) + 1)]
