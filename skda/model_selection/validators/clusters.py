"""Agreement between clusters of the target features and the predicted classes."""

import warnings

import numpy as np
from numpy.typing import ArrayLike
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_mutual_info_score

from ..._inputs.array_checks import check_features, check_same_length
from .checks import check_predictions, is_positive_int


def class_ami(
    features_target: ArrayLike,
    predictions_target: ArrayLike,
    *,
    n_clusters: int | None = None,
    random_state: int = 0,
) -> float:
    """Compute the adjusted mutual information of k-means clusters and classes (ClassAMI).

    Parameters
    ----------
    features_target : {array-like, sparse matrix} of shape (n_target, ...)
        Features of target rows; axes beyond the second are flattened.
    predictions_target : array-like of shape (n_target,)
        Predicted labels of the same rows.
    n_clusters : int, optional
        Number of clusters; pass the number of classes that the model knows. By default, the number
        of classes that it predicts.
    random_state : int, default=0
        Seed of k-means.

    Returns
    -------
    float
        1 if each cluster is one class, about 0 if clusters and classes are independent; higher is
        better. 0 if fewer than two classes are predicted.

    Raises
    ------
    ValueError
        If the lengths differ, a prediction is missing, or `n_clusters` is below 1.

    Notes
    -----
    AMI(kmeans(features), predictions). Known failure: features and predictions come from the same
    model. If the features form clear clusters of wrong classes, the score is 1. The adjusted
    mutual information of two constants is 0 here, not 1, so that a collapsed model does not score
    highest.

    References
    ----------
    K. Musgrave, S. Belongie, S.-N. Lim. Three new validators and a large-scale benchmark ranking
    for unsupervised domain adaptation. 2022.

    Examples
    --------
    >>> from skda.model_selection import class_ami
    >>> class_ami([[0.0], [0.1], [5.0], [5.1]], ["a", "a", "b", "b"])
    1.0
    """
    features = check_features(features_target, "features_target")
    predictions = check_predictions(predictions_target, "predictions_target")
    # sparse matrices have no len()
    check_same_length(features_target=np.empty(features.shape[0]), predictions_target=predictions)
    n_predicted = len(np.unique(predictions))
    if n_clusters is None:
        n_clusters = n_predicted
    if not is_positive_int(n_clusters):
        raise ValueError(f"n_clusters must be None or an integer above 0. Got {n_clusters!r}.")
    if n_predicted < 2:
        return 0.0
    kmeans = KMeans(
        n_clusters=min(n_clusters, len(predictions)), n_init=10, random_state=random_state
    )
    with warnings.catch_warnings():
        # if there are fewer distinct rows than classes, k-means finds fewer clusters and warns
        warnings.simplefilter("ignore", ConvergenceWarning)
        clusters = kmeans.fit_predict(features)
    return float(adjusted_mutual_info_score(clusters, predictions))
