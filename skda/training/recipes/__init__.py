"""What changes from epoch to epoch: schedules, frozen layers, and the recipes of fine-tuning."""
