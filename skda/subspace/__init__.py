"""Shallow domain adaptation: transformers that bring two domains together by linear algebra."""

from skda.subspace.alignment import SubspaceAlignment
from skda.subspace.coral import CORAL
from skda.subspace.gfk import GFK
from skda.subspace.msda import MSDA
from skda.subspace.tca import TCA

__all__ = ["CORAL", "GFK", "MSDA", "TCA", "SubspaceAlignment"]
