"""What watches a training: callbacks, progress bars, the record of its steps, checkpoints."""
