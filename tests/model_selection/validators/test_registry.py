import numpy as np
import pytest

from skda.model_selection import (
    ArrayEvidence,
    collapse_guard,
    compute_validator,
    deep_embedded_validation,
    density_ratio,
    get_validator_names,
    importance_weighted_accuracy,
    row_losses,
)

CLASSES = np.array(["a", "b", "c"])
N_SOURCE, N_TARGET = 300, 400
CENTRES = np.array([[0.0, 0.0], [6.0, 0.0], [0.0, 6.0]])


def one_hot(labels, certainty):
    proba = np.full((len(labels), 3), (1 - certainty) / 2)
    proba[np.arange(len(labels)), labels] = certainty
    return proba


def nearest(rows):
    return ((rows[:, np.newaxis] - CENTRES) ** 2).sum(axis=2).argmin(axis=1)


def evidence(kind, seed=0):
    """Outputs of a perfect or a collapsed model on three blobs, moved a little in the target."""
    rng = np.random.default_rng(seed)
    labels_source, labels_target = np.arange(N_SOURCE) % 3, np.arange(N_TARGET) % 3
    source = CENTRES[labels_source] + rng.normal(0.0, 0.7, (N_SOURCE, 2))
    target = CENTRES[labels_target] + rng.normal(1.0, 0.7, (N_TARGET, 2))
    if kind == "perfect":
        return ArrayEvidence(
            classes=CLASSES,
            y_source=CLASSES[labels_source],
            proba_source=one_hot(nearest(source), 0.95),
            features_source=source,
            proba_target=one_hot(nearest(target), 0.95),
            features_target=target,
            rows_target=target,
            predict_target=lambda rows: CLASSES[nearest(rows)],
        )
    return ArrayEvidence(
        classes=CLASSES,
        y_source=CLASSES[labels_source],
        proba_source=one_hot(np.zeros(N_SOURCE, dtype=int), 0.99),
        features_source=rng.normal(0.0, 1e-3, (N_SOURCE, 2)),
        proba_target=one_hot(np.zeros(N_TARGET, dtype=int), 0.99),
        features_target=rng.normal(0.0, 1e-3, (N_TARGET, 2)),
        rows_target=target,
        predict_target=lambda rows: np.repeat(CLASSES[0], len(rows)),
    )


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("name", "margin"),
    [
        ("source_accuracy", 0.5),
        ("iwv", 0.5),
        ("dev", 0.3),
        ("infomax", 0.7),
        ("nuclear_norm", 0.3),
        ("class_ami", 0.9),
        ("mixval", 0.2),
    ],
)
def test_a_perfect_model_outranks_a_collapsed_one(name, margin, seed):
    perfect = compute_validator(name, evidence("perfect", seed))
    assert perfect > compute_validator(name, evidence("collapsed", seed)) + margin


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("name", "margin"), [("entropy", 0.1), ("snd", 0.5), ("a_distance", 0.1)])
def test_known_failure_collapse_is_rewarded_and_the_guard_catches_it(name, margin, seed):
    perfect, collapsed = evidence("perfect", seed), evidence("collapsed", seed)
    assert compute_validator(name, collapsed) > compute_validator(name, perfect) + margin
    verdicts = {
        kind: collapse_guard(
            model.y_source,
            CLASSES[proba_source.argmax(axis=1)],
            CLASSES[model.proba_target.argmax(axis=1)],
            source_only_accuracy=1.0,
        )
        for kind, model, proba_source in [
            ("perfect", perfect, perfect.proba_source),
            ("collapsed", collapsed, collapsed.proba_source),
            # Collapsed on the target alone: the source accuracy does not show it.
            ("half", collapsed, perfect.proba_source),
        ]
    }
    assert verdicts["perfect"]
    assert verdicts["collapsed"].reason.startswith("forgot the source")
    assert verdicts["half"].reason.startswith("collapsed on the target")


def test_weights_come_from_held_out_density_ratios():
    model = evidence("perfect")
    weights = density_ratio(
        model.features_source, model.features_target, C=0.1, clip=2.0, cv=3, random_state=1
    )
    labels = CLASSES[model.proba_source.argmax(axis=1)]
    options = {"C": 0.1, "clip": 2.0, "cv": 3, "random_state": 1}
    assert compute_validator(
        "iwv", model, normalize=False, **options
    ) == importance_weighted_accuracy(model.y_source, labels, weights, normalize=False)
    losses = row_losses(model.y_source, model.proba_source, CLASSES, "log")
    assert compute_validator("dev", model, loss="log", **options) == deep_embedded_validation(
        losses, weights
    )


def test_clusters_are_as_many_as_classes_known():
    model = evidence("perfect")
    two = np.isin(np.arange(N_TARGET) % 3, [0, 1])
    partial = ArrayEvidence(
        classes=CLASSES,
        proba_target=model.proba_target[two],
        features_target=model.features_target[two],
    )
    # Two classes are predicted; the third cluster cuts one of them in two.
    assert 0.5 < compute_validator("class_ami", partial) < 0.95


def test_names():
    assert get_validator_names() == [
        "a_distance",
        "atc",
        "class_ami",
        "dev",
        "entropy",
        "infomax",
        "iwv",
        "mixval",
        "nuclear_norm",
        "reverse",
        "snd",
        "source_accuracy",
    ]


def test_messages():
    model = evidence("perfect")
    with pytest.raises(
        ValueError, match=r"The validator must be one of \['a_distance', .* 'oracle'"
    ):
        compute_validator("oracle", model)
    with pytest.raises(
        ValueError, match=r"Unknown option 'tau' of the validator 'snd': its options"
    ):
        compute_validator("snd", model, tau=1.0)
    with pytest.raises(
        ValueError, match=r"Unknown option 'C' of the validator 'entropy': it has none"
    ):
        compute_validator("entropy", model, C=1.0)
    allowed = r"\['loss', 'C', 'clip', 'cv', 'random_state'\]"
    with pytest.raises(ValueError, match=rf"option 'bound' of the validator 'dev': its.*{allowed}"):
        compute_validator("dev", model, bound=1.0)
    with pytest.raises(ValueError, match="Reverse validation trains models: it needs an Estimator"):
        compute_validator("reverse", model)
