import pickle

import numpy as np
import pytest
from joblib import parallel_config
from scipy.stats import uniform
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, cross_validate
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from skda import make_pipeline as make_domain_pipeline
from skda.model_selection import get_validator_names, make_validator_scorer
from tests.model_selection.fakes import CenteringClassifier, shifted_blobs

# joblib with forked processes pickles as the default backend does, and does not start Python anew,
# which takes seconds; tests/test_n_jobs.py tests the default
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")

X, Y, X_TARGET, Y_TARGET = shifted_blobs()
LAMS = [0.0, 0.5, 1.0]
# With a shift of both classes the source accuracy is the same for every lam, and the confidence
# nearly. Other tests use one validator of features, one of probabilities, one that trains models.
OF_EACH_KIND = ["class_ami", "infomax", "reverse"]
TELLING = ["a_distance", "class_ami", "infomax", "mixval", "nuclear_norm", "reverse"]


@pytest.fixture(autouse=True)
def forked_jobs():
    with parallel_config("multiprocessing"):
        yield


def adapting_pipeline():
    return Pipeline(
        [("scale", StandardScaler()), ("clf", CenteringClassifier())],
        transform_input=["X_target"],
    )


def one_job_each_and_two_for(names, *, two_jobs):
    return [(name, 1) for name in names] + [(name, 2) for name in two_jobs]


@pytest.mark.parametrize(
    ("name", "n_jobs"),
    one_job_each_and_two_for(get_validator_names(), two_jobs=["infomax", "iwv", "reverse"]),
)
def test_grid_search_with_a_routed_target(routing, name, n_jobs):
    scorer = make_validator_scorer(name)
    search = GridSearchCV(
        CenteringClassifier(),
        {"lam": LAMS},
        scoring=scorer,
        n_jobs=n_jobs,
        cv=2,
        error_score="raise",
    )
    search.fit(X, Y, X_target=X_TARGET)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    if name in TELLING:
        assert search.best_params_ == {"lam": 1.0}
        assert search.best_estimator_.score(X_TARGET, Y_TARGET) == 1.0
    best = scorer(search.best_estimator_, X, Y, X_target=X_TARGET)
    assert search.score(X, Y, X_target=X_TARGET) == best
    # Nested: a search is judged by the estimator that it chose.
    assert scorer(search, X, Y, X_target=X_TARGET) == best


@pytest.mark.parametrize(
    ("name", "n_jobs"), one_job_each_and_two_for(OF_EACH_KIND, two_jobs=["reverse"])
)
def test_grid_search_behind_a_pipeline_with_a_routed_target(routing, name, n_jobs):
    search = GridSearchCV(
        adapting_pipeline(),
        {"clf__lam": LAMS},
        scoring=make_validator_scorer(name),
        n_jobs=n_jobs,
        cv=2,
        error_score="raise",
    )
    search.fit(X, Y, X_target=X_TARGET)
    assert search.best_params_ == {"clf__lam": 1.0}
    assert search.best_estimator_.score(X_TARGET, Y_TARGET) == 1.0


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_grid_search_with_a_given_target_and_no_routing(n_jobs):
    search = GridSearchCV(
        CenteringClassifier(),
        {"lam": LAMS},
        scoring=make_validator_scorer("infomax", X_target=X_TARGET),
        n_jobs=n_jobs,
        cv=2,
        error_score="raise",
    )
    search.fit(X, Y, X_target=X_TARGET)
    assert search.best_params_ == {"lam": 1.0}


@pytest.mark.parametrize(
    ("name", "n_jobs"), one_job_each_and_two_for(OF_EACH_KIND, two_jobs=["mixval"])
)
def test_skda_pipeline_with_a_given_target_and_no_routing(name, n_jobs):
    search = GridSearchCV(
        make_domain_pipeline(StandardScaler(), CenteringClassifier()),
        {"centeringclassifier__lam": LAMS},
        scoring=make_validator_scorer(name, X_target=X_TARGET),
        n_jobs=n_jobs,
        cv=2,
        error_score="raise",
    )
    search.fit(X, Y, X_target=(X_TARGET,))
    assert search.best_params_ == {"centeringclassifier__lam": 1.0}


@pytest.mark.parametrize(
    ("name", "n_jobs"),
    one_job_each_and_two_for(get_validator_names(), two_jobs=["iwv", "mixval"]),
)
def test_plain_pipeline_with_a_given_target_and_no_routing(name, n_jobs):
    search = GridSearchCV(
        make_pipeline(StandardScaler(), LogisticRegression()),
        {"logisticregression__C": [1e-6, 1.0]},
        scoring=make_validator_scorer(name, X_target=X_TARGET - [7.5, 0.0]),
        n_jobs=n_jobs,
        cv=2,
        error_score="raise",
    ).fit(X, Y)
    low, high = search.cv_results_["mean_test_score"]
    assert np.isfinite([low, high]).all()
    if name in ("entropy", "infomax", "nuclear_norm"):
        assert high > low + 0.1


def test_randomized_search_and_cross_validate(routing):
    scorer = make_validator_scorer("infomax")
    search = RandomizedSearchCV(
        CenteringClassifier(), {"lam": uniform(0, 1)}, n_iter=4, scoring=scorer, random_state=0
    )
    search.fit(X, Y, X_target=X_TARGET)
    lams = search.cv_results_["param_lam"]
    assert search.best_params_["lam"] == max(lams)

    scoring = {"infomax": scorer, "iwv": make_validator_scorer("iwv"), "accuracy": "accuracy"}
    params = {"X_target": X_TARGET}
    result = cross_validate(adapting_pipeline(), X, Y, scoring=scoring, params=params, cv=3)
    assert (result["test_infomax"] > 0.4).all()
    assert (result["test_iwv"] == 1.0).all()
    assert result["test_accuracy"].shape == (3,)


def test_a_target_as_long_as_the_source_is_cut_into_the_same_folds(routing):
    X_same = np.vstack([X_TARGET, X_TARGET])[: len(X)]
    cases = [(X_same, 80, 40), (X_TARGET, 90, 90), ((X_same,), 120, 120)]
    for target, n_fit, n_score in cases:
        CenteringClassifier.calls.clear()
        scoring = make_validator_scorer("entropy")
        params = {"X_target": target}
        cross_validate(CenteringClassifier(), X, Y, scoring=scoring, params=params, cv=3)
        assert [len(one["X_target"]) for one in CenteringClassifier.recorded("fit")] == [n_fit] * 3
        judged = CenteringClassifier.recorded("predict_proba")
        assert [len(one["X"]) for one in judged] == [n_score] * 3
        assert {one["domain"] for one in judged} == {"target"}


def test_a_given_target_is_never_cut_and_not_asked_for(routing):
    held_out = np.vstack([X_TARGET, X_TARGET])[: len(X)]
    scorer = make_validator_scorer("entropy", X_target=held_out)
    params = {"X_target": X_TARGET}
    cross_validate(CenteringClassifier(), X, Y, scoring=scorer, params=params, cv=3)
    for call in CenteringClassifier.recorded("predict_proba"):
        np.testing.assert_array_equal(call["X"], held_out)
    assert scorer.get_metadata_routing().score.requests == {"X_target": False}
    assert make_validator_scorer("snd").get_metadata_routing().score.requests == {"X_target": True}


def test_the_target_of_a_call_goes_before_the_given_one():
    fitted = LogisticRegression().fit(X, Y)
    given = make_validator_scorer("infomax", X_target=X_TARGET)
    free = make_validator_scorer("infomax")
    assert given(fitted, X, Y, X_target=X) == free(fitted, X, Y, X_target=X)
    assert given(fitted, X, Y) == free(fitted, X, Y, X_target=X_TARGET)
    assert given(fitted, X) == given(fitted, X, Y)


def test_without_a_target_the_message_says_what_to_pass():
    scorer = make_validator_scorer("iwv")
    with pytest.raises(
        ValueError, match=r"enable_metadata_routing=True\) and pass X_target to the"
    ):
        scorer(LogisticRegression().fit(X, Y), X, Y)
    search = GridSearchCV(
        LogisticRegression(), {"C": [1.0]}, scoring=scorer, error_score="raise", cv=2
    )
    with pytest.raises(ValueError, match=r"make_validator_scorer\(name, X_target=X_target\)"):
        search.fit(X, Y)
    forgiving = clone(search).set_params(error_score=np.nan)
    with pytest.warns(
        UserWarning, match=r"(?s)Scoring failed.*needs unlabelled target rows|non-fin"
    ):
        forgiving.fit(X, Y)


def test_source_accuracy_needs_no_target():
    assert make_validator_scorer("source_accuracy")(LogisticRegression().fit(X, Y), X, Y) == 1.0


def test_scorers_survive_pickle_and_clone():
    scorer = make_validator_scorer("snd", X_target=X_TARGET, temperature=0.1)
    fitted = LogisticRegression().fit(X, Y)
    search = GridSearchCV(fitted, {}, scoring=scorer)
    for copy in (pickle.loads(pickle.dumps(scorer)), clone(search).scoring):
        assert copy(fitted, X, Y) == scorer(fitted, X, Y)
    assert repr(scorer) == "make_validator_scorer('snd', X_target=..., temperature=0.1)"


def test_options_reach_the_validator():
    fitted = LogisticRegression().fit(X, Y)
    cold = make_validator_scorer("snd", temperature=0.01)(fitted, X, Y, X_target=X_TARGET)
    hot = make_validator_scorer("snd", temperature=10.0)(fitted, X, Y, X_target=X_TARGET)
    assert hot == pytest.approx(np.log(89), abs=1e-3)
    assert cold < hot


def test_mistakes_are_refused_when_the_scorer_is_made():
    with pytest.raises(ValueError, match="The validator must be one of"):
        make_validator_scorer("accuracy")
    with pytest.raises(ValueError, match="Unknown option 'temprature' of the validator 'snd'"):
        make_validator_scorer("snd", temprature=0.1)
