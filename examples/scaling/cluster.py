"""On a cluster: each training of a Dask worker has one lam and one fold.

python examples/scaling/cluster.py                          # two workers on this machine
python examples/scaling/cluster.py --scheduler tcp://10.0.0.1:8786
"""

import argparse

import joblib
from distributed import Client, LocalCluster

from skda import DANNClassifier
from skda.datasets import make_rotated_moons
from skda.model_selection import LambdaSearchCV


def main(epochs: int, scheduler: str | None) -> None:
    moons = make_rotated_moons(random_state=0)
    dann = DANNClassifier(lr=0.01, max_epochs=epochs, batch_size=32, random_state=0)
    search = LambdaSearchCV(dann, cv=3, vectorize=False, random_state=0, verbose=1)
    cluster = scheduler or LocalCluster(n_workers=2, threads_per_worker=1)
    with Client(cluster), joblib.parallel_config("dask"):
        search.fit(moons.X_source, moons.y_source, moons.X_target)
    if scheduler is None:
        cluster.close()
    accuracy = search.score(moons.X_target_test, moons.y_target_test)
    print(f"lam {search.best_params_['lam']}, accuracy on the target: {accuracy:.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--scheduler")
    options = parser.parse_args()
    main(options.epochs, options.scheduler)
