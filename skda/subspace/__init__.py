"""Shallow domain adaptation: transformers that align two domains by linear algebra."""

from ._alignment import SubspaceAlignment
from ._coral import CORAL
from ._gfk import GFK
from ._msda import MSDA
from ._tca import TCA

__all__ = ["CORAL", "GFK", "MSDA", "TCA", "SubspaceAlignment"]
