"""The splits, one file each. Configurations name them by these paths, which stay when a class moves."""

from iot_ids.common.imports import lazy_attributes

HOMES = {
    "GroupBy": "grouped",
    "GroupedSplit": "grouped",
    "OfficialSplit": "official",
    "Parts": "base",
    "RandomSplit": "random",
    "Split": "base",
    "TemporalSplit": "temporal",
    "UnseenAttackSplit": "unseen_attack",
}
__all__ = [*HOMES]
__getattr__ = lazy_attributes(__name__, HOMES)
