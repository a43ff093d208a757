"""One module a method, named as in its paper: equation, term and estimator together."""
