"""The recipe for Parquet folders, which needs a package that the suite does without."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.snippets import ROOT


def test_a_parquet_folder_becomes_a_memory_map(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    monkeypatch.chdir(tmp_path)
    Path("measurements").mkdir()
    table = np.random.default_rng(0).normal(size=(9000, 3)).astype(np.float32)
    for i, part in enumerate(np.array_split(table, 2)):
        columns = {name: part[:, j] for j, name in enumerate("abc")}
        columns["label"] = np.where(part[:, 0] > 0, "yes", "no")
        pq.write_table(pa.table(columns), f"measurements/{i}.parquet")
    text = (ROOT / "docs" / "guide" / "beyond_memory.md").read_text(encoding="utf-8")
    names: dict = {}
    exec(text.split("```py\n")[1].split("```")[0], names)
    np.testing.assert_array_equal(np.load("rows.npy"), table)
    assert names["labels"] == np.where(table[:, 0] > 0, "yes", "no").tolist()
