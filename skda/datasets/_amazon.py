"""Amazon product reviews: sentiment across four kinds of product."""

from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.datasets import load_svmlight_file

from ._docs import loader_docs
from ._fetch import Arrays, DataHome, DataStore, github_files
from ._pairs import LabelledRows, Pair, PairDataset

DOMAINS = ("books", "dvd", "electronics", "kitchen")
N_FEATURES = 5000
DESCR = """\
Amazon product reviews: sentiment (negative, positive) of books, dvd, electronics, kitchen.

Counts of 5000 unigrams and bigrams. Each domain has 2000 balanced training reviews and a
published test set of 4465 (books), 3586 (dvd), 5681 (electronics), 5945 (kitchen) reviews.
Protocol of Ganin et al. 2016: labelled source training rows, unlabelled target training rows,
scored on the target's test rows. The vocabulary was not published with the counts.

Origin: Blitzer, Dredze & Pereira, ACL 2007; this version Chen et al., ICML 2012. No licence is
stated: research use.
"""


def _from_prepared(arrays: Arrays, part: str) -> LabelledRows:
    y = arrays[f"{part}_y"]
    counts = arrays[f"{part}_data"].astype(np.float32)
    columns, starts = arrays[f"{part}_indices"], arrays[f"{part}_indptr"]
    return LabelledRows(csr_matrix((counts, columns, starts), shape=(len(y), N_FEATURES)), y)


def _from_svmlight(path: Path) -> LabelledRows:
    X, y = load_svmlight_file(path, n_features=N_FEATURES, dtype=np.float32, zero_based=True)
    # A new matrix has int32 indices, which every scikit-learn estimator takes.
    return LabelledRows(csr_matrix((X.data, X.indices, X.indptr), shape=X.shape), y > 0)


DATASET = PairDataset(
    store=DataStore(
        name="amazon_reviews",
        prepared_sha256="eff81de1da6ceb81ce4de254e61c75bda980ff22cc603ce1a81830934b880a9a",
        files=github_files(
            "GRAAL-Research/domain_adversarial_neural_network",
            "74eec5e0ae06bd6614bce048abba492c16a633e3",
            "data",
            """
317f9a2ec34b81de770b63a84d8c5cc2dc16bd0be6e079d2ff5b5bad5213ea19  books_train.svmlight
fe4605c7dcf0e0a9410fd2a32f247caaf9abb352cc6e4c3e0f400853163ad9c4  books_test.svmlight
95f602aa08bf6b55758f7b0b18df3882fe30acb11987ee60b6b4bb3c44cba733  dvd_train.svmlight
4fe1b1a15010f78d8d0c49fe362d35fd4677463a45f1ac02a9f410ae1e638060  dvd_test.svmlight
7d0061f03ff3827e4f8036b051b5e5828fddc0cd115aa5b212cd28d624dc14e4  electronics_train.svmlight
641783bc941839c3a111d3488a1b7e3bd820a61ec14a129e7429b47703aa961d  electronics_test.svmlight
a70b5ebfe1413e0e16280360905f5c3b64389c435cd20c0165dc9d7f293b31b5  kitchen_train.svmlight
e1502b97a824eb12314be4447394fa736fecb781c0724e6529cd6733ac7ff6d8  kitchen_test.svmlight
            """,
        ),
    ),
    domains=DOMAINS,
    file_name="{}.svmlight",
    from_file=_from_svmlight,
    feature_names=[f"ngram_{i}" for i in range(N_FEATURES)],
    target_names=["negative", "positive"],
    descr=DESCR,
    from_prepared=_from_prepared,
    parts=("{source}_train", "{target}_train", "{target}_test"),
)


@loader_docs
def fetch_amazon_reviews(
    source: str = "books",
    target: str = "electronics",
    *,
    data_home: DataHome = None,
    download_if_missing: bool = True,
    progress: bool = False,
    return_X_y: bool = False,
) -> Pair:
    """Load two domains of the Amazon reviews (classification, sparse counts).

    =================   =====================================
    Classes                                                 2
    Training rows                             2000 per domain
    Target test rows    4465, 3586, 5681, 5945 (alphabetical)
    Features                                             5000
    =================   =====================================

    Parameters
    ----------
    source, target : {"books", "dvd", "electronics", "kitchen"}
        Two different domains.
    <download>
    <return_X_y>

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        X_source, X_target : csr_matrix of shape (2000, 5000), float32
            Raw counts of the training reviews.
        y_source, y_target : ndarray of shape (2000,), int64
            0 negative, 1 positive. ``y_target`` is for oracles and scores only.
        X_target_test : csr_matrix of shape (n_test, 5000), float32
            The published test reviews of the target.
        y_target_test : ndarray of shape (n_test,), int64
            Their labels.
        feature_names : ndarray of shape (5000,)
            ``ngram_0`` ...; the words were not published.
        <names>

    Raises
    ------
    <download_errors>

    References
    ----------
    .. [1] J. Blitzer, M. Dredze, F. Pereira, "Biographies, Bollywood, Boom-boxes and
       Blenders: Domain Adaptation for Sentiment Classification", ACL 2007.
    .. [2] Y. Ganin et al., "Domain-Adversarial Training of Neural Networks", JMLR 2016.

    Examples
    --------
    >>> from skda.datasets import fetch_amazon_reviews
    >>> data = fetch_amazon_reviews("dvd", "books")  # doctest: +SKIP
    >>> data.X_target_test.shape  # doctest: +SKIP
    (4465, 5000)
    """
    return DATASET.fetch("fetch_amazon_reviews", **locals())
