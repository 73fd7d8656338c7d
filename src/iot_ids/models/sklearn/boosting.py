"""Gradient boosting that learns how strongly each feature indicates an attack, but not in which direction."""

from typing import Any

from sklearn.ensemble import HistGradientBoostingClassifier

from iot_ids.common.errors import UserError
from iot_ids.models.classifier import Report, Table
from iot_ids.models.sklearn.adapter import Classical


class MonotoneBoosting(Classical):
    """Histogram gradient boosting whose attack probability never decreases as a feature increases.

    It needs features for which larger values suggest an attack, as those of `scaler=share` do if attacks repeat
    themselves. `settings` are scikit-learn's.
    """

    def __init__(self, normal: int | None, **settings: Any) -> None:
        if normal is None:
            raise UserError(
                "model=gradient_boosting_monotone separates normal flows from attacks and needs a label with "
                "these two classes: dataset.label=binary if the dataset has it"
            )
        super().__init__(HistGradientBoostingClassifier(**settings))
        self.rises = 1 if normal == 0 else -1
        """scikit-learn's constraint is on the probability of class 1, which may be the normal one."""

    def fit(self, train: Table, validation: Table, classes: int, seed: int, report: Report) -> None:
        """Fit on `train`.

        Raises:
            UserError: scikit-learn rejects the settings.
        """
        self.estimator.set_params(monotonic_cst=[self.rises] * train.x.shape[1])
        self.learn(train, seed)
