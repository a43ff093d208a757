"""How a training moves: schedules, frozen layers, and the recipes of fine-tuning."""
