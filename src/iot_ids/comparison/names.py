"""Names the rows of the table: model, selection, and whatever else distinguishes a row from the others."""

from collections import Counter
from collections.abc import Mapping, Sequence

Parameters = Mapping[str, str]
DESCRIPTIVE = ("path", "test_path", "title", "about")
SAYS_NOTHING = (
    "seed",
    "tracking.",
    "cache.",
    *(f"{group}.{key}" for group in ("dataset", "test_dataset") for key in DESCRIPTIVE),
)
TUNED = "tuned"
"""The tag of a run whose settings a sweep has chosen; among the parameters here."""
IN_NAME = ("model.name", "selector.name", "selector.k", "scaler.name", TUNED)
LONGEST_VALUE = 20


def method_names(methods: Sequence[Parameters], fingerprints: Sequence[str]) -> list[str]:
    """One name per method, all different: `gru, pearson 8`, `gru tuned, pearson 8`; the scaler where it differs; then
    what else differs.

    Args:
        methods: the parameters of one run of each, and whether it is TUNED.
        fingerprints: distinguish two methods when no parameter in their names does.
    """
    scalers = {method.get("scaler.name") for method in methods}
    names = [_plain(method, len(scalers) > 1) for method in methods]
    names = [
        ", ".join(
            [name, *_differences(method, [other for other, its in zip(methods, names, strict=True) if its == name])]
        )
        for name, method in zip(names, methods, strict=True)
    ]
    twice = {name for name, count in Counter(names).items() if count > 1}
    return [
        f"{name} {fingerprint[:6]}" if name in twice else name
        for name, fingerprint in zip(names, fingerprints, strict=True)
    ]


def shortened(names: Sequence[str]) -> list[str]:
    """Remove the ending that all names share, such as `, all`; unchanged if two names would become equal."""
    heads, tails = zip(*(name.partition(",")[::2] for name in names), strict=True)
    return list(heads) if len(set(tails)) == 1 and len(set(heads)) == len(names) else list(names)


def _plain(method: Parameters, with_scaler: bool) -> str:
    selection = " ".join(filter(None, [method.get("selector.name"), method.get("selector.k")]))
    scaler = method.get("scaler.name", "?") if with_scaler else ""
    model = method.get("model.name", "?") + (" tuned" if method.get(TUNED) == "true" else "")
    return ", ".join(filter(None, [model, selection, scaler]))


def _differences(method: Parameters, namesakes: Sequence[Parameters]) -> list[str]:
    """The parameters in which methods of one name differ, by the last part of their key."""
    keys = {key for other in namesakes for key in other if not key.startswith((*SAYS_NOTHING, *IN_NAME))}
    differing = sorted(key for key in keys if len({other.get(key) for other in namesakes}) > 1 and key in method)
    return [f"{key.split('.')[-1]}={_short(method[key])}" for key in differing]


def _short(value: str) -> str:
    return value if len(value) <= LONGEST_VALUE else f"{value[: LONGEST_VALUE - 1]}…"
