"""Bounds of the configuration's numbers, stated in the type of the field that they belong to.

Native code takes other numbers than Python does: beyond its range it raises whatever it likes, reserves all memory, or
does not end. Where a schema says `k: Annotated[int, Between(1, 100)]`, values outside are refused before anything runs.
"""

from dataclasses import dataclass, is_dataclass
from typing import Any, get_args, get_type_hints

from iot_ids.common.errors import UserError

LARGEST_COUNT = 2**63 - 1
"""The largest whole number that the libraries behind the models and tables can hold."""


@dataclass(frozen=True)
class Between:
    """The least and the largest value that a number may have; whole numbers have these bounds without a word."""

    least: float = -LARGEST_COUNT
    most: float = LARGEST_COUNT

    def refuse(self, key: str, value: float) -> None:
        """Raise a UserError where `value` lies outside, or is not a number."""
        if not value >= self.least:
            raise UserError(f"{key}={value} has to be at least {self.least}")
        if not value <= self.most:
            raise UserError(f"{key}={value} has to be at most {self.most}")


ANY = Between()


def bounds_of(kind: Any) -> dict[str, Between]:
    """Return the bounds of a schema's fields by their names; none where `kind` is no schema."""
    if not is_dataclass(kind):
        return {}
    hints = get_type_hints(kind, include_extras=True)
    return {name: bound for name, hint in hints.items() for bound in get_args(hint)[1:] if isinstance(bound, Between)}
