import numpy as np
import pytest

from skda.datasets import _wine, fetch_wine_quality

HEADER = b'# "fixed acidity" "volatile acidity" "quality"\n'
RED = HEADER + b"7.4 0.7 0 1.9 0.076 11 34 0.9978 3.51 0.56 9.4 5\n7 0 0 2 0 1 3 1 3 0 9 6\n"
WHITE = HEADER + b"7 0.27 0.36 20.7 0.045 45 170 1.001 3 0.45 8.8 7\n"


def test_published_files_are_parsed(publish):
    home = publish(_wine, {"winequality-red.csv": RED, "winequality-white.csv": WHITE})
    data = fetch_wine_quality("red", "white", data_home=home)
    first = [7.4, 0.7, 0, 1.9, 0.076, 11, 34, 0.9978, 3.51, 0.56, 9.4]
    second = [7, 0, 0, 2, 0, 1, 3, 1, 3, 0, 9]
    np.testing.assert_array_equal(data.X_source, np.array([first, second], np.float32))
    np.testing.assert_array_equal(data.y_source, [0, 1])
    # One row only still is a table.
    assert data.X_target.shape == (1, 11)
    np.testing.assert_array_equal(data.y_target, [1])
    assert data.X_target_test is data.X_target
    assert list(data.target_names) == ["quality<=5", "quality>=6"]


def test_an_altered_file_is_not_used(publish):
    home = publish(_wine, {"winequality-red.csv": RED, "winequality-white.csv": WHITE})
    (home / "raw" / "wine_quality" / "winequality-red.csv").write_bytes(RED[:-3])
    with pytest.raises(OSError, match=r"winequality-red\.csv has a wrong checksum"):
        fetch_wine_quality(data_home=home, download_if_missing=False)


def test_an_altered_archive_is_not_used(tmp_path):
    np.savez(tmp_path / "wine_quality.npz", red_X=np.zeros((1, 11)))
    with pytest.raises(ValueError, match=r"wine_quality\.npz is damaged or another version"):
        fetch_wine_quality(data_home=tmp_path)


def test_real_shares(skda_data_home):
    data = fetch_wine_quality("white", "red", data_home=skda_data_home, as_frame=True)
    assert data.X_source.shape == (4898, 11)
    assert data.X_target.shape == (1599, 11)
    assert round(data.y_target.mean(), 3) == 0.535
    assert round(data.y_source.mean(), 3) == 0.665


def test_real_published_files_equal_the_prepared_archive(compare_raw_with_prepared):
    compare_raw_with_prepared(fetch_wine_quality, _wine.DOMAINS)
