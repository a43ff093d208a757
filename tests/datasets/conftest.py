"""Tiny cache folders in the published formats, made on the spot: no real data is committed."""

import hashlib
import itertools
from dataclasses import replace

import numpy as np
import pytest

from skda.datasets._fetch import RemoteFile


def sha256(content):
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def publish(tmp_path, monkeypatch):
    """Store files in the place of a download, and expect their checksums."""

    def put(module, contents):
        store = module.DATASET.store
        folder = tmp_path / "raw" / store.name
        folder.mkdir(parents=True)
        for name, content in contents.items():
            (folder / name).write_bytes(content)
        files = {
            name: RemoteFile("http://127.0.0.1:9/x", sha256(c)) for name, c in contents.items()
        }
        dataset = replace(module.DATASET, store=replace(store, files=files))
        monkeypatch.setattr(module, "DATASET", dataset)
        return tmp_path

    return put


@pytest.fixture
def write_prepared(tmp_path):
    """Write an archive and return the store that expects it."""

    def write(store, arrays):
        path = tmp_path / f"{store.name}.npz"
        np.savez_compressed(path, **arrays)
        return replace(store, prepared_sha256=sha256(path.read_bytes()))

    return write


@pytest.fixture
def compare_raw_with_prepared(tmp_path, skda_data_home):
    """Compare the arrays from the published files with those from the prepared archive.

    Each domain is the source of one pair and the target of another.
    """
    if not (skda_data_home / "raw").is_dir():
        pytest.skip(f"needs the published files: {skda_data_home / 'raw'}")
    (tmp_path / "raw").symlink_to(skda_data_home / "raw")

    def compare(fetch, domains):
        for source, target in itertools.pairwise([*domains, domains[0]]):
            raw = fetch(source, target, data_home=tmp_path, download_if_missing=False)
            prepared = fetch(source, target, data_home=skda_data_home)
            assert set(raw) == set(prepared)
            for key in set(raw) - {"DESCR"}:
                found, expected = raw[key], prepared[key]
                assert found.dtype == expected.dtype, key
                if hasattr(found, "indices"):
                    np.testing.assert_array_equal(found.indptr, expected.indptr)
                    np.testing.assert_array_equal(found.indices, expected.indices)
                    found, expected = found.data, expected.data
                np.testing.assert_array_equal(found, expected, err_msg=key)

    return compare
