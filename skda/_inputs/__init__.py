"""What users pass: rows, labels, weights and shares, checked before the first training."""
