import numpy as np

from skda.datasets import _gas, fetch_gas_drift


def make_row(label, start):
    pairs = " ".join(f"{column}:{start + column / 2:.6f}" for column in range(1, 129))
    return f"{label} {pairs}\r\n".encode()


def test_published_files_are_parsed(publish):
    files = {"batch1.dat": make_row(1, 0) + make_row(6, -100), "batch6.dat": make_row(2, 7)}
    home = publish(_gas, files)
    data = fetch_gas_drift("batch1", "batch6", data_home=home, as_frame=True)
    half = np.arange(1, 129) / 2
    np.testing.assert_array_equal(data.X_source, np.stack([half, half - 100]).astype(np.float32))
    np.testing.assert_array_equal(data.y_source, [0, 5])
    np.testing.assert_array_equal(data.X_target, [half + 7])
    np.testing.assert_array_equal(data.y_target, [1])
    # Eight responses per sensor: the ninth column begins the second sensor.
    assert list(data.X_target.columns[[0, 7, 8, 127]]) == [
        "DR_1",
        "EMAd0.1_1",
        "DR_2",
        "EMAd0.1_16",
    ]
    assert data.X_target_test is data.X_target


def test_real_sizes(skda_data_home):
    data = fetch_gas_drift("batch1", "batch6", data_home=skda_data_home)
    # The published counts of ethanol, ethylene, ammonia, acetaldehyde, acetone, toluene.
    np.testing.assert_array_equal(np.bincount(data.y_source), [90, 98, 83, 30, 70, 74])
    assert data.X_target.shape == (2300, 128)


def test_real_published_files_equal_the_prepared_archive(compare_raw_with_prepared):
    compare_raw_with_prepared(fetch_gas_drift, _gas.DOMAINS)
