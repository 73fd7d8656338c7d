"""Encoding, selection and scaling. Configurations name functions and classes by these paths, which stay."""

from iot_ids.common.lazy import lazy_attributes

HOMES = {
    "Midrank": "scalers",
    "MinMax": "scalers",
    "Quantile": "scalers",
    "Share": "scalers",
    "chi_square": "selectors",
    "iqr": "outliers",
    "mutual_information": "selectors",
    "pearson": "selectors",
}
__all__ = [*HOMES]
__getattr__ = lazy_attributes(__name__, HOMES)
