"""The models. Configurations refer to these public paths, which stay stable when a class moves."""

from iot_ids.common.imports import lazy_attributes

HOMES = {
    "ExactSvm": "sklearn.svm",
    "FeedForwardClassifier": "networks.network",
    "IsolationClassifier": "sklearn.isolation_forest",
    "MonotoneBoosting": "sklearn.adapter",
    "NeighboursClassifier": "sklearn.neighbours",
    "NystroemSvm": "sklearn.svm",
    "RecurrentClassifier": "networks.network",
}
__all__ = [*HOMES]
__getattr__ = lazy_attributes(__name__, HOMES)
