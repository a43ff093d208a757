"""RSD, DARE-GRAM and moment distances again, in numpy, straight from the papers' formulas."""

import numpy as np


def bases(rows, k):
    """Orthonormal bases of the rows' space, one by one, from the eigenvectors of Z'Z."""
    values, vectors = np.linalg.eigh(rows.T @ rows)
    order = np.argsort(values)[::-1][:k]
    return vectors[:, order]


def rsd(source, target, mismatch):
    k = min(len(source), len(target), max(1, source.shape[1] // 2))
    P_s, cosines, P_t = np.linalg.svd(bases(source, k).T @ bases(target, k))
    angles = [np.arccos(min(1.0, c)) for c in cosines]
    penalty = sum((abs(P_s[i, j]) - abs(P_t[j, i])) ** 2 for i in range(k) for j in range(k))
    return sum(np.sin(angle) for angle in angles) + mismatch * penalty


def gram(rows):
    A = np.column_stack([np.ones(len(rows)), rows])
    return sum(np.outer(row, row) for row in A) / len(A)


def dare_gram(source, target, threshold, scale):
    grams = [gram(rows) for rows in (source, target)]
    values = [np.sort(np.linalg.eigvalsh(G))[::-1] for G in grams]
    counts = []
    for of_one in values:
        total, k = 0.0, 0
        while total < threshold * of_one.sum() * (1 - 1e-12):
            total += of_one[k]
            k += 1
        counts.append(k)
    k = max(counts)
    inverses = []
    for G in grams:
        w, V = np.linalg.eigh(G)
        keep = [i for i in np.argsort(w)[::-1][:k] if w[i] > 1e-12 * w.max()]
        inverses.append(sum(np.outer(V[:, i], V[:, i]) / w[i] for i in keep))
    n_columns = len(grams[0])
    cosines = [
        inverses[0][:, j]
        @ inverses[1][:, j]
        / np.linalg.norm(inverses[0][:, j])
        / np.linalg.norm(inverses[1][:, j])
        for j in range(n_columns)
    ]
    angles = sum(abs(1 - c) for c in cosines) / n_columns
    distance = np.sqrt(sum((values[0][i] - values[1][i]) ** 2 for i in range(k)))
    return angles + scale * distance / k


def moment_distance(sources, target, n_moments):
    total = 0.0
    for m in range(1, n_moments + 1):
        moments = [
            [sum(row[j] ** m for row in rows) / len(rows) for j in range(rows.shape[1])]
            for rows in (*sources, target)
        ]
        *of_sources, of_target = moments
        total += sum(distance(a, of_target) for a in of_sources) / len(of_sources)
        pairs = [(a, b) for i, a in enumerate(of_sources) for b in of_sources[i + 1 :]]
        if pairs:
            total += sum(distance(a, b) for a, b in pairs) / len(pairs)
    return total


def distance(a, b):
    return sum((x - y) ** 2 for x, y in zip(a, b, strict=True)) ** 0.5
