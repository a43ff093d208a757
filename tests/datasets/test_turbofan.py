import re

import numpy as np
import pytest

from skda.datasets import _turbofan, fetch_turbofan
from skda.datasets._turbofan_windows import cut_engines


def make_table(lengths, offset=0):
    """Engines 1, 2, ... of these lengths; a value encodes set, engine, cycle and channel."""
    rows = [
        [engine, cycle, *(offset + 1000 * engine + cycle + channel / 100 for channel in range(24))]
        for engine, n_cycles in enumerate(lengths, start=1)
        for cycle in range(1, n_cycles + 1)
    ]
    return np.array(rows, dtype=np.float32)


def make_arrays():
    arrays = {}
    for i, name in enumerate(_turbofan.DOMAINS):
        arrays[f"{name}_train"] = make_table([6, 9], 10_000 * i)
        arrays[f"{name}_test"] = make_table([7, 3], 10_000 * i + 5000)
        arrays[f"{name}_rul"] = np.array([4, 200 + i], dtype=np.float32)
    return arrays


@pytest.fixture
def home(monkeypatch, tmp_path, write_prepared):
    monkeypatch.setattr(_turbofan, "STORE", write_prepared(_turbofan.STORE, make_arrays()))
    return tmp_path


def naive_windows(table, length, step):
    """Return the windows, the remaining lives and the engines, cycle by cycle."""
    windows, lives, engines = [], [], []
    for engine in dict.fromkeys(table[:, 0]):
        of_engine = [row[2:] for row in table if row[0] == engine]
        of_engine = [of_engine[0]] * (length - len(of_engine)) + of_engine
        for end in range(length, len(of_engine) + 1):
            remaining = len(of_engine) - end
            if remaining % step == 0:
                windows.append(np.transpose(of_engine[end - length : end]))
                lives.append(remaining)
                engines.append(engine)
    return np.array(windows), np.array(lives), np.array(engines)


@pytest.mark.parametrize(("length", "step"), [(1, 1), (3, 1), (3, 2), (7, 3), (12, 1)])
def test_windows_equal_the_naive_ones(length, step):
    table = make_table([6, 9, 2])
    for found, expected in zip(
        cut_engines(table, length, step), naive_windows(table, length, step), strict=True
    ):
        np.testing.assert_array_equal(found, expected)


def test_training_engines_are_adapted_to_and_the_last_windows_of_others_scored(home):
    data = fetch_turbofan("FD001", "FD003", window=5, step=2, max_rul=None, data_home=home)
    assert data.X_source.shape == (1 + 3, 24, 5)
    assert (data.X_source.dtype, data.y_source.dtype) == (np.float32, np.float32)
    np.testing.assert_array_equal(data.y_source, [0, 4, 2, 0])
    np.testing.assert_array_equal(data.groups_source, [1, 2, 2, 2])
    np.testing.assert_array_equal(data.X_source[1, 0], [2001, 2002, 2003, 2004, 2005])
    np.testing.assert_array_equal(data.X_target[:, 0, -1], [21006, 22005, 22007, 22009])
    np.testing.assert_array_equal(
        data.X_target_test[:, 0],
        [
            [26003, 26004, 26005, 26006, 26007],
            [27001, 27001, 27001, 27002, 27003],  # this engine has three cycles
        ],
    )
    np.testing.assert_array_equal(data.y_target_test, [4, 202])
    np.testing.assert_array_equal(data.groups_target_test, [1, 2])
    assert data.feature_names.tolist()[::23] == ["setting_1", "sensor_21"]


def test_life_is_capped_in_every_part(home):
    data = fetch_turbofan(window=2, max_rul=3, data_home=home)
    assert [data[f"y_{part}"].max() for part in ("source", "target", "target_test")] == [3, 3, 3]
    np.testing.assert_array_equal(data.y_source[:5], [3, 3, 2, 1, 0])
    assert fetch_turbofan(data_home=home).y_target_test.max() == 125


def test_flat_windows_hold_the_same_values(home):
    series = fetch_turbofan(window=3, data_home=home)
    flat = fetch_turbofan(window=3, as_series=False, data_home=home)
    names = flat.feature_names.tolist()
    assert len(names) == 72
    column = names.index("sensor_4_t-2")
    np.testing.assert_array_equal(flat.X_source[:, column], series.X_source[:, 3 + 3, 0])
    assert names[-1] == "sensor_21_t-0"
    np.testing.assert_array_equal(flat.X_target_test[:, -1], series.X_target_test[:, 23, 2])


@pytest.mark.parametrize("parameter", ["window", "step", "max_rul"])
def test_a_wrong_parameter_is_named(home, parameter):
    with pytest.raises(ValueError, match=f"'{parameter}' parameter of fetch_turbofan must be"):
        fetch_turbofan(data_home=home, **{parameter: 0})


def test_a_missing_file_says_where_it_comes_from(tmp_path):
    expected = re.escape(f"There is no file {tmp_path / 'turbofan.npz'}. Get the turbofan")
    with pytest.raises(FileNotFoundError, match=expected) as caught:
        fetch_turbofan(data_home=tmp_path)
    assert "NASA Prognostics Center of Excellence" in str(caught.value)


def test_a_users_archive_needs_its_arrays(tmp_path):
    arrays = make_arrays()
    del arrays["FD002_rul"]
    np.savez(tmp_path / "mine.npz", **arrays)
    data = fetch_turbofan("FD001", "FD003", path=tmp_path / "mine.npz", window=5)
    assert len(data.X_target) == 2 + 5
    with pytest.raises(ValueError, match=r"mine\.npz lacks the arrays FD002_rul\."):
        fetch_turbofan("FD001", "FD002", path=tmp_path / "mine.npz")


def write_folder(folder):
    for name in ("FD001", "FD002"):
        for kind, file in (("train", f"train_{name}.txt"), ("test", f"test_{name}.txt")):
            np.savetxt(folder / file, make_arrays()[f"{name}_{kind}"], fmt="%.4f")
        np.savetxt(folder / f"RUL_{name}.txt", make_arrays()[f"{name}_rul"], fmt="%d")


def test_the_published_text_files_are_read(tmp_path, home):
    folder = tmp_path / "text"
    folder.mkdir()
    write_folder(folder)
    raw = fetch_turbofan(path=folder, window=4)
    prepared = fetch_turbofan(data_home=home, window=4)
    for key in set(raw) - {"DESCR"}:
        np.testing.assert_array_equal(raw[key], prepared[key], err_msg=key)
    with pytest.raises(FileNotFoundError, match=r"There is no file .*train_FD003\.txt\. Pass the"):
        fetch_turbofan("FD001", "FD003", path=folder)
    np.savetxt(folder / "test_FD002.txt", np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"test_FD002\.txt has 3 columns and not 26"):
        fetch_turbofan(path=folder)


def test_real_sizes(skda_data_home):
    data = fetch_turbofan("FD001", "FD003", data_home=skda_data_home, step=10)
    assert [len(np.unique(data[f"groups_{p}"])) for p in ("source", "target", "target_test")] == [
        100
    ] * 3
    # engine 1 of FD001 has 192 cycles, and so (192 - 30) // 10 + 1 windows
    assert np.sum(data.groups_source == 1) == 17
    assert data.y_source.max() == 125
    # the published lives of the first test engines
    np.testing.assert_array_equal(data.y_target_test[:4], [44, 51, 27, 120])


def test_real_text_files_equal_the_prepared_archive(skda_data_home):
    folder = skda_data_home / "raw" / "turbofan"
    if not folder.is_dir():
        pytest.skip(f"needs the published files: {folder}")
    read = _turbofan.read_folder(folder, ("FD001",))
    with np.load(skda_data_home / "turbofan.npz") as arrays:
        for name, array in read.items():
            np.testing.assert_array_equal(array, arrays[name])
