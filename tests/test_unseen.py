"""Attacks never seen, through a whole run: what is told of them, and what is refused before any training."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from conftest import run_of
from iot_ids.errors import UserError
