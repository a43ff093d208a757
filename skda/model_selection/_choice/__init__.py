"""The choice of a search: its guard, its ranking, its warnings."""
