"""What several losses share: distances, kernels, bases, precision, checks of shapes."""
