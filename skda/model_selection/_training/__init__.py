"""The trainings of a search: its candidates, their scores, and what is kept on disk."""
