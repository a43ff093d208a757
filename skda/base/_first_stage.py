"""Where a fit keeps its checkpoint: the file of its first stage of training."""

from __future__ import annotations

from numbers import Integral
from typing import Any

from ..training import AdaptationNet, DomainPair
from ..training.watch.checkpoint import StageFile, check_folder, fingerprint_of

__all__ = ["first_stage"]


def first_stage(estimator: Any, net: AdaptationNet, domains: DomainPair) -> StageFile:
    """Return the file of the first checkpoint of a fit, whose net is not trained yet.

    Raises ValueError if the fit would not start the same when it is run again, or if the folder
    cannot be made.
    """
    folder = check_folder(estimator.checkpoint)
    if not isinstance(estimator.random_state, Integral) or estimator.warm_start:
        raise ValueError(
            "The 'checkpoint' parameter needs the same start in every run: an int as "
            "'random_state', and warm_start=False. Got "
            f"random_state={estimator.random_state!r}, warm_start={estimator.warm_start}."
        )
    params = estimator.get_params(deep=False) | {"": type(estimator)}
    for name in ("checkpoint", "checkpoint_every", "verbose"):
        del params[name]
    if domains.n_sources > 1:
        params["source_domains_"] = estimator.source_domains_.tolist()
    return StageFile(folder, fingerprint_of(params, net, domains), estimator.checkpoint_every)
