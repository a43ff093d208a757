import io

import numpy as np
from scipy.io import savemat

from skda.datasets import _office_caltech, fetch_office_caltech


def make_mat(counts, labels):
    file = io.BytesIO()
    savemat(
        file, {"fts": np.array(counts, np.uint8), "labels": np.array(labels, np.uint8)[:, None]}
    )
    return file.getvalue()


def test_published_files_are_parsed(publish):
    files = {
        "dslr.mat": make_mat([[0, 255], [3, 4]], [1, 10]),
        "webcam.mat": make_mat([[9, 8]], [2]),
    }
    home = publish(_office_caltech, files)
    data = fetch_office_caltech("dslr", "webcam", data_home=home)
    np.testing.assert_array_equal(data.X_source, [[0, 255], [3, 4]])
    assert data.X_source.dtype == np.float32
    np.testing.assert_array_equal(data.y_source, [0, 9])
    np.testing.assert_array_equal(data.X_target, [[9, 8]])
    np.testing.assert_array_equal(data.y_target, [1])
    assert data.X_target_test is data.X_target
    assert "X_target_test and y_target_test are the same objects" in data.DESCR
    assert data.target_names[9] == "projector"


def test_real_sizes(skda_data_home):
    sizes = {"amazon": 958, "caltech10": 1123, "dslr": 157, "webcam": 295}
    for domain, n in sizes.items():
        other = "webcam" if domain != "webcam" else "dslr"
        data = fetch_office_caltech(domain, other, data_home=skda_data_home)
        assert data.X_source.shape == (n, 800)
        np.testing.assert_array_equal(np.unique(data.y_source), np.arange(10))
        assert len(data.feature_names) == 800


def test_real_published_files_equal_the_prepared_archive(compare_raw_with_prepared):
    compare_raw_with_prepared(fetch_office_caltech, _office_caltech.DOMAINS)
