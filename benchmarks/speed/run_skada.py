"""Train skada's DANN, DAN and DeepCORAL; run by section b with the interpreter that has skada.

    python run_skada.py FILE.npz '{"method": "DANN", ...}'

prints a JSON list with one object a round: CPU seconds of fit and accuracy on the target.
"""

import json
import sys
import time
import warnings

import numpy as np
import torch
from skada import __version__
from skada.deep import DAN, DANN, DeepCoral
from skada.deep.modules import GradientReversalLayer
from torch import nn


class Discriminator(nn.Module):
    """A discriminator; skada's default ends in a softmax over one unit, which has no gradient."""

    def __init__(self, width):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(width, 100), nn.ReLU(), nn.Linear(100, 1), nn.Sigmoid()
        )

    def forward(self, x, sample_weight=None):
        return self.layers(GradientReversalLayer.apply(x, 1.0)).squeeze(1)


class Network(nn.Module):
    def __init__(self, n_features, hidden, n_classes):
        super().__init__()
        self.first = nn.Linear(n_features, hidden[0])
        self.second = nn.Linear(hidden[0], hidden[1])
        self.features = nn.ReLU()
        self.classifier = nn.Linear(hidden[1], n_classes)

    def forward(self, x, sample_weight=None):
        return self.classifier(self.features(self.second(self.first(x).relu())))


def fit(data, method, hidden, epochs, lam, seed, lr=1e-3):
    torch.manual_seed(seed)
    n_classes = int(data["y_source"].max()) + 1
    options = {"domain_classifier": Discriminator(hidden[1])} if method == "DANN" else {}
    net = {"DANN": DANN, "DAN": DAN, "DeepCORAL": DeepCoral}[method](
        Network(data["X_source"].shape[1], hidden, n_classes),
        layer_name="features",
        reg=lam,
        max_epochs=epochs,
        batch_size=64,
        lr=lr,
        optimizer=torch.optim.Adam,
        train_split=None,
        verbose=0,
        **options,
    )
    n_source, n_target = len(data["X_source"]), len(data["X_target"])
    X = np.concatenate([data["X_source"], data["X_target"]])
    y = np.concatenate([data["y_source"], np.full(n_target, -1)])
    domain = np.repeat([1, -2], [n_source, n_target])
    start = time.process_time()
    net.fit(X, y, sample_domain=domain)
    seconds = time.process_time() - start
    predicted = net.predict(data["X_test"], sample_domain=np.full(len(data["X_test"]), -2))
    return {"seconds": seconds, "accuracy": float(np.mean(predicted == data["y_test"]))}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    arrays = dict(np.load(sys.argv[1]))
    options = json.loads(sys.argv[2])
    rounds = [fit(arrays, seed=seed, **options) for seed in range(json.loads(sys.argv[3]))]
    versions = {"skada": __version__, "torch": torch.__version__}
    print(json.dumps({"rounds": rounds, "versions": versions}))
