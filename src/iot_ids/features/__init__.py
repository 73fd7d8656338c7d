"""Encoding, selection and scaling. Configurations refer to these public paths, which stay stable."""

from iot_ids.common.imports import lazy_attributes

HOMES = {
    "Midrank": "scalers",
    "MinMax": "scalers",
    "Quantile": "scalers",
    "Share": "scalers",
    "chi_square": "selectors",
    "iqr": "selectors",
    "mutual_information": "selectors",
    "pearson": "selectors",
}
__all__ = [*HOMES]
__getattr__ = lazy_attributes(__name__, HOMES)
