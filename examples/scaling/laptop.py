"""On a laptop: the search trains all lams and folds as one network, in one process.

python examples/scaling/laptop.py
"""

import argparse

from skda import DANNClassifier
from skda.datasets import make_rotated_moons
from skda.model_selection import LambdaSearchCV


def main(epochs: int) -> None:
    moons = make_rotated_moons(random_state=0)
    dann = DANNClassifier(lr=0.01, max_epochs=epochs, batch_size=32, random_state=0)
    search = LambdaSearchCV(dann, cv=3, random_state=0, verbose=1)
    search.fit(moons.X_source, moons.y_source, moons.X_target)
    accuracy = search.score(moons.X_target_test, moons.y_target_test)
    print(f"lam {search.best_params_['lam']}, trained together: {search.vectorized_}")
    print(f"accuracy on the target: {accuracy:.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=20)
    main(parser.parse_args().epochs)
