"""From an estimator's parameters to a module, its criterion and its skorch net."""
