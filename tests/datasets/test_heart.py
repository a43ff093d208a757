import numpy as np

from skda.datasets import _heart, fetch_heart_disease

HEADER = b"age,sex,cp,trestbps,chol,fbs,restecg,thalach,exang,oldpeak,slope,ca,thal,target\n"


def test_published_files_are_parsed(publish):
    files = {
        "processed.cleveland.data": HEADER
        + b"63.0,1.0,1.0,145.0,233.0,1.0,2.0,150.0,0.0,2.3,3.0,0.0,6.0,0\n"
        + b"67.0,1.0,4.0,160.0,286.0,0.0,2.0,108.0,1.0,-.5,2.0,3.0,3.0,4\n",
        "processed.va.data": HEADER + b"28,1,2,130,?,0,2,185,0,0,?,?,,1\n",
    }
    home = publish(_heart, files)
    data = fetch_heart_disease("cleveland", "va", data_home=home)
    first = [63, 1, 1, 145, 233, 1, 2, 150, 0, 2.3, 3, 0, 6]
    second = [67, 1, 4, 160, 286, 0, 2, 108, 1, -0.5, 2, 3, 3]
    np.testing.assert_array_equal(data.X_source, np.array([first, second], np.float32))
    np.testing.assert_array_equal(data.y_source, [0, 1])
    nan = np.nan
    np.testing.assert_array_equal(
        data.X_target, [[28, 1, 2, 130, nan, 0, 2, 185, 0, 0, nan, nan, nan]]
    )
    np.testing.assert_array_equal(data.y_target, [1])
    assert data.X_target_test is data.X_target


def test_frames_name_the_columns(publish):
    row = b"28,1,2,130,?,0,2,185,0,0,?,?,,1\n"
    files = {f"processed.{domain}.data": HEADER + row for domain in ("va", "switzerland")}
    home = publish(_heart, files)
    data = fetch_heart_disease("va", "switzerland", data_home=home, as_frame=True)
    assert ",".join(data.X_source.columns).encode() + b",target\n" == HEADER
    assert data.X_source["thalach"].tolist() == [185]
    assert data.X_source["chol"].isna().all()


def test_real_sizes(skda_data_home):
    sizes = {"cleveland": 303, "hungarian": 294, "switzerland": 123, "va": 200}
    for domain, n in sizes.items():
        other = "va" if domain != "va" else "cleveland"
        X, y, *_ = fetch_heart_disease(domain, other, data_home=skda_data_home, return_X_y=True)
        assert X.shape == (n, 13)
        assert set(y) == {0, 1}


def test_real_published_files_equal_the_prepared_archive(compare_raw_with_prepared):
    compare_raw_with_prepared(fetch_heart_disease, _heart.DOMAINS)
