"""Validators: scores of a model that need no target label."""
