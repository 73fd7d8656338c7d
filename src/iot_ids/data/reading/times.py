"""Parse times that are text, by a declared format or one guessed from all of them."""

from itertools import product

import polars as pl

from iot_ids.common.errors import UserError
from iot_ids.data.schema import Columns

_CLOCKS = ("%H:%M:%S", "%H:%M:%S.%f", "%H:%M")
_TWELVE = ("%I:%M:%S %p", "%I:%M:%S.%f %p", "%I:%M %p")
_YEAR_FIRST = [
    *("".join(parts) for parts in product(("%Y-%m-%d", "%Y/%m/%d"), ("T", " "), _CLOCKS, ("", "%z"))),
    *("%Y-%m-%d", "%Y/%m/%d"),
]
_YEAR_LAST = [
    " ".join(filter(None, parts))
    for parts in product(
        ("%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d.%m.%Y", "%m.%d.%Y"), (*_CLOCKS, *_TWELVE, "")
    )
]
COMMON = (*_YEAR_FIRST, *_YEAR_LAST)
"""The formats that are guessed."""
LATEST = 4_102_444_800.0
"""The year 2100: a guess with times outside 1970 to 2100 took a day for a year."""
LOOKED_AT = 100
"""Number of texts that a format has to fit before it is tried on all."""


def seconds(texts: pl.Series, form: str) -> pl.Series:
    """Convert texts to seconds since 1970 UTC, float64; null if a text does not have the format, or is null.

    `form` is a strptime format: `%z` takes `Z` too, `.%f` a fraction of any length, or none. A time without a zone
    counts as UTC.
    """
    polars = form.replace(".%f", "%.f").replace("%z", "%#z")
    try:
        if "%H" not in form and "%I" not in form:
            return texts.str.to_date(polars, strict=False).cast(pl.Float64) * 86_400.0
        times = texts.str.to_datetime(polars, time_unit="us", strict=False)
    except pl.exceptions.PolarsError as error:
        raise UserError(
            f"dataset.columns.time_format={form!r} is not a strptime format ({str(error).splitlines()[0]})"
        ) from error
    return times.to_physical().cast(pl.Float64) / 1e6


def guessed(texts: pl.Series) -> list[str]:
    """Return the COMMON formats that fit all `texts`, except nulls, one for each way to read them.

    Empty if no format fits; several if the texts leave open which is the day and which the month.
    """
    values = texts.drop_nulls().unique(maintain_order=True)
    few = [form for form in COMMON if len(values) and _fits(values.head(LOOKED_AT), form) is not None]
    found: dict[str, pl.Series] = {}
    for form in few:
        times = _fits(values, form)
        if times is not None and not any(times.equals(other) for other in found.values()):
            found[form] = times
    return list(found)


def time_format(cells: pl.Series, columns: Columns) -> str | None:
    """Return the format of a time column of text: the declared one, or the only one of COMMON that fits; else None."""
    if columns.time_format is not None:
        return columns.time_format
    forms = guessed(cells.unique().cast(pl.String))
    return forms[0] if len(forms) == 1 else None


def parse_times(texts: pl.Series, form: str) -> pl.Series:
    """As `seconds`, with a declared format that every text must have.

    Raises:
        UserError: a text does not.
    """
    times = seconds(texts, form)
    odd = texts.filter(times.is_null() & texts.is_not_null())
    if len(odd):
        raise UserError(
            f"dataset.columns.time_format={form!r} does not fit {len(odd):,} of {len(texts.drop_nulls()):,} values of "
            f"{texts.name}, such as {odd[0]!r}; fix the format, or leave it out if the times are numbers"
        )
    return times


def explain(texts: pl.Series) -> str:
    """Explain why `texts` cannot be read as times, and which key declares their format."""
    values = texts.drop_nulls()
    forms, example = guessed(values), values[0] if len(values) else None
    key = "dataset.columns.time_format, such as '%d/%m/%Y %H:%M:%S'"
    if len(forms) > 1:
        return f"holds text ({example!r}) that can be read as {' or as '.join(forms)}; say which in {key}"
    return f"holds text ({example!r}), which cannot be ordered in time; give its format in {key}, or give seconds"


def _fits(texts: pl.Series, form: str) -> pl.Series | None:
    times = seconds(texts, form)
    return times if not times.null_count() and bool(times.is_between(0, LATEST).all()) else None
