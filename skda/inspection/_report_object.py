"""What a report on two domains holds, and how it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ._target_accuracy import AccuracyEstimate
from ._target_priors import TargetPriors

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ADAPTED", "INPUTS", "SOURCE_ONLY", "DomainReport", "DomainState"]

INPUTS, SOURCE_ONLY, ADAPTED = "inputs", "source-only", "adapted"
_MAX_CLASSES = 20  # shown; the frame has all
# half-transparent grey and the notebook's own colours are legible on light and on dark pages
_STYLE = """\
<style>
.skda-report {max-width: 60em}
.skda-report table {border-collapse: collapse; margin: 0.6em 0; color: inherit;
  font-variant-numeric: tabular-nums}
.skda-report th, .skda-report td {border: 0; border-bottom: 1px solid rgba(128, 128, 128, 0.4);
  padding: 0.2em 0.7em; text-align: right; background: none; color: inherit}
</style>"""


@dataclass(frozen=True)
class DomainState:
    """The two domains as inputs, as features of the source-only model or as adapted features.

    Parameters
    ----------
    a_distance : float
        As `proxy_a_distance` returns it.
    mmd2, mmd_pvalue : float
        As `mmd_test` returns them.
    source_accuracy : float or None
        Accuracy on the held-out source rows; None for the inputs.
    target_accuracy : AccuracyEstimate or None
        Estimated accuracy on the target; None for the inputs.
    predicted_shares : ndarray of shape (n_classes,) or None
        Share of the target rows for which each class is predicted; None for the inputs.
    """

    a_distance: float
    mmd2: float
    mmd_pvalue: float
    source_accuracy: float | None = None
    target_accuracy: AccuracyEstimate | None = None
    predicted_shares: NDArray[np.float64] | None = None


@dataclass(frozen=True, repr=False)
class DomainReport:
    """Result of `domain_report`: what was measured, and a verdict.

    Parameters
    ----------
    states : dict of str to DomainState
        "inputs", "source-only" and "adapted", or those of them that were measured.
    shares : TargetPriors
        Shares of the classes in the source and, estimated, in the target.
    agreement : float or None
        Share of target rows for which the source-only model and the adapted model predict the same.
    n_source, n_target : int
        Number of rows that were measured.
    findings : dict of str to str
        The sentences of the verdict by a name that programs can rely on: "same_model",
        "barely_separable", "hardly_changed", "source_forgotten", "collapsed", "other_shares",
        "shares_unknown", "no_sign".
    """

    states: Mapping[str, DomainState]
    shares: TargetPriors
    agreement: float | None
    n_source: int
    n_target: int
    findings: Mapping[str, str]

    @property
    def verdict(self) -> list[str]:
        """The findings in plain sentences."""
        return list(self.findings.values())

    def to_frame(self) -> pd.DataFrame:
        """Return what was measured, a row for each state of the domains.

        Returns
        -------
        DataFrame
            Columns `a_distance`, `mmd2`, `mmd_pvalue`, `source_accuracy`, `target_accuracy`,
            `target_accuracy_low` and `target_accuracy_high`; NaN where nothing was measured.
        """
        import pandas as pd

        rows = {}
        for name, state in self.states.items():
            row = {
                "a_distance": state.a_distance,
                "mmd2": state.mmd2,
                "mmd_pvalue": state.mmd_pvalue,
                "source_accuracy": state.source_accuracy,
            }
            if state.target_accuracy is not None:
                low, high = state.target_accuracy.interval
                row |= {
                    "target_accuracy": state.target_accuracy.accuracy,
                    "target_accuracy_low": float(low),
                    "target_accuracy_high": float(high),
                }
            rows[name] = row
        return pd.DataFrame.from_dict(rows, orient="index", dtype=float)

    def shares_to_frame(self) -> pd.DataFrame:
        """Return the shares of the classes, a row for each class.

        Returns
        -------
        DataFrame
            Columns `source`; `predicted by source-only` and `predicted by adapted`, shares of the
            predictions on the target; `estimated`, `low` and `high`, the shares in the target as
            `estimate_target_priors` estimates them, with their interval.
        """
        import pandas as pd

        predicted = {
            f"predicted by {name}": state.predicted_shares
            for name, state in self.states.items()
            if state.predicted_shares is not None
        }
        low, high = self.shares.interval
        return pd.DataFrame(
            {
                "source": self.shares.priors_source,
                **predicted,
                "estimated": self.shares.priors,
                "low": low,
                "high": high,
            },
            index=pd.Index(self.shares.classes, name="class"),
        )

    def __repr__(self) -> str:
        """Return both tables and the verdict."""
        options = {"float_format": "{:.3f}".format, "na_rep": ""}
        return "\n".join(
            [
                self._title(),
                "",
                self.to_frame().rename(columns=_HEADS).to_string(**options),
                "",
                "Shares of the classes, source and target",
                self._shares().to_string(max_rows=_MAX_CLASSES, **options),
                "",
                *(f"- {sentence}" for sentence in self.verdict),
            ]
        )

    def _repr_html_(self) -> str:
        options = {"float_format": "{:.3f}".format, "na_rep": "", "border": 0}
        sentences = "".join(f"<li>{escape(sentence)}</li>" for sentence in self.verdict)
        return "\n".join(
            [
                _STYLE,
                f'<div class="skda-report"><p><strong>{escape(self._title())}</strong></p>',
                f"<ul>{sentences}</ul>",
                self.to_frame().rename(columns=_HEADS).to_html(**options),
                "<p>Shares of the classes, source and target</p>",
                self._shares().to_html(max_rows=_MAX_CLASSES, **options),
                "</div>",
            ]
        )

    def _shares(self) -> pd.DataFrame:
        # the name of the labels goes into the line of the heads, not into a line of its own
        return self.shares_to_frame().rename_axis(index=None, columns="class")

    def _title(self) -> str:
        return f"DomainReport: {self.n_source} source rows, {self.n_target} target rows"


_HEADS = {
    "a_distance": "proxy A-dist.",
    "mmd2": "MMD²",
    "mmd_pvalue": "p-value",
    "source_accuracy": "source acc.",
    "target_accuracy": "target acc. (est.)",
    "target_accuracy_low": "low",
    "target_accuracy_high": "high",
}
