import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from skda.datasets import _corn, fetch_corn_nir
from skda.datasets._fetch import RemoteFile


def make_arrays():
    """Spectra whose values tell the instrument and the sample, and labels that do as well."""
    samples = np.arange(80, dtype=np.float32)
    spectra = {
        f"{domain}_X": np.repeat(samples[:, None] + 1000 * i, 700, axis=1)
        for i, domain in enumerate(_corn.DOMAINS)
    }
    return {**spectra, "y": samples[:, None] + np.float32([0, 100, 200, 300])}


@pytest.fixture
def home(monkeypatch, tmp_path, write_prepared):
    monkeypatch.setattr(_corn, "STORE", write_prepared(_corn.STORE, make_arrays()))
    return tmp_path


def test_samples_are_split_between_the_instruments(home):
    data = fetch_corn_nir("mp5", "m5", data_home=home)
    np.testing.assert_array_equal(data.X_source[:, 0], 1000 + data.groups_source)
    np.testing.assert_array_equal(data.X_target[:, 699], data.groups_target)
    np.testing.assert_array_equal(data.y_source, data.groups_source)
    np.testing.assert_array_equal(data.y_target, data.groups_target)
    assert (data.X_source.dtype, data.y_source.dtype) == (np.float32, np.float32)
    assert (len(data.groups_source), len(data.groups_target)) == (40, 40)
    assert sorted([*data.groups_source, *data.groups_target]) == list(range(80))
    assert data.X_target_test is data.X_target


def test_every_pair_has_the_same_samples_and_a_seed_has_others(home):
    first = fetch_corn_nir("m5", "mp6", data_home=home, random_state=1, n_source=50)
    same = fetch_corn_nir("mp6", "mp5", data_home=home, random_state=1, n_source=50)
    other = fetch_corn_nir("m5", "mp6", data_home=home, random_state=2, n_source=50)
    np.testing.assert_array_equal(first.groups_source, same.groups_source)
    assert len(first.groups_source) == 50
    assert set(first.groups_source) != set(other.groups_source)


def test_constituents_are_chosen_by_name(home):
    data = fetch_corn_nir(constituents=["starch", "oil"], data_home=home, as_frame=True)
    assert isinstance(data.y_source, pd.DataFrame)
    np.testing.assert_array_equal(data.y_source["starch"], data.groups_source + 300)
    np.testing.assert_array_equal(data.y_source["oil"], data.groups_source + 100)
    assert data.target_names.tolist() == ["starch", "oil"]
    assert list(data.X_source.columns[[0, 699]]) == ["1100 nm", "2498 nm"]
    one = fetch_corn_nir(constituents=("protein",), data_home=home)
    assert one.y_target.shape == (40, 1)
    single = fetch_corn_nir(constituents="protein", data_home=home, as_frame=True)
    assert single.y_target.name == "protein"


@pytest.mark.parametrize("chosen", ["water", [], ["oil", "oil"], ["oil", "water"]])
def test_an_unknown_constituent_is_named(home, chosen):
    message = (
        "The 'constituents' parameter of fetch_corn_nir must be one of 'moisture', 'oil', "
        f"'protein', 'starch', or a sequence of different ones. Got {chosen!r} instead."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        fetch_corn_nir(constituents=chosen, data_home=home)


@pytest.mark.parametrize("n_source", [0, 80])
def test_both_domains_need_a_sample(home, n_source):
    with pytest.raises(ValueError, match=r"'n_source' parameter of fetch_corn_nir must be an int"):
        fetch_corn_nir(n_source=n_source, data_home=home)


def test_a_missing_file_says_where_it_comes_from(monkeypatch, tmp_path):
    remote = RemoteFile("http://127.0.0.1:9/corn.mat", "00")
    monkeypatch.setattr(_corn, "STORE", replace(_corn.STORE, files={"corn.mat": remote}))
    with pytest.raises(OSError, match=r"corn\.mat is missing and download_if_missing=False") as e:
        fetch_corn_nir(data_home=tmp_path, download_if_missing=False)
    assert "get http://127.0.0.1:9/corn.mat by other means" in str(e.value)


def test_real_numbers(skda_data_home):
    data = fetch_corn_nir("m5", "mp6", constituents=_corn.CONSTITUENTS, data_home=skda_data_home)
    assert data.X_source.shape == (40, 700)
    # the ranges of moisture, oil, protein and starch that are given with the data
    y = np.concatenate([data.y_source, data.y_target])
    np.testing.assert_allclose(y.min(axis=0), [9.377, 3.088, 7.654, 62.826], rtol=1e-5)
    np.testing.assert_allclose(y.max(axis=0), [10.993, 3.832, 9.711, 66.472], rtol=1e-5)
    with np.load(skda_data_home / "corn_nir.npz") as arrays:
        np.testing.assert_array_equal(arrays["wavelength_nm"], _corn.WAVELENGTHS)
        assert tuple(arrays["target_names"]) == _corn.CONSTITUENTS


def test_real_published_file_equals_the_prepared_archive(compare_raw_with_prepared):
    compare_raw_with_prepared(fetch_corn_nir, _corn.DOMAINS)
