"""Rows of both domains: as tensors, by batches, in the memory of the training device."""
