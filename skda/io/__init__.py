"""Save estimators without pickle, load them, and ship their networks."""

from ._errors import ModelFileError
from ._load import load
from ._mixin import save

__all__ = ["ModelFileError", "load", "save"]
