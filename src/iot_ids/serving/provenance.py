"""Where a kept detector comes from: written into its folder, its exported file and its model card."""

from dataclasses import dataclass, field
from importlib.metadata import version
from platform import python_version

from iot_ids.data.schema import Extractor

LIBRARIES = ("iot-ids", "numpy", "polars", "scikit-learn", "torch")


@dataclass
class Provenance:
    """The run that trained a detector."""

    dataset: str
    title: str
    label: str
    data_sha256: str
    run: str
    commit: str
    simulated: bool
    """Whether it was trained or tested on generated flows."""
    extractor: Extractor = field(default_factory=Extractor)
    """How the training flows were made from packets; flows to be scored must be made in the same way."""
    versions: dict[str, str] = field(default_factory=dict)


def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that shape a detector."""
    return {"python": python_version(), **{name: version(name).split("+")[0] for name in LIBRARIES}}
