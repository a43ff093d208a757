"""The trainings of a search: its candidates, their scores, their files."""
