"""What every command does once after its imports, done in the process that they are forked from: it starts no thread.

Hydra looks for its plugins and builds its parser, Matplotlib reads its fonts, MLflow looks which module is of which
package: of a command on some hundred rows these are the half.
"""

import io

from matplotlib.figure import Figure
from mlflow.utils import requirements_utils

from . import __main__ as main
from .forms import composed

PROGRAM = main.__name__
"""Imported as well, since a process that is forked for the campaign imports its main module once more."""

composed("model=naive_bayes", "seed=1")
axes = Figure().subplots()
axes.set_title("0")
axes.figure.savefig(io.BytesIO(), format="png")
requirements_utils._init_packages_to_modules_map()
