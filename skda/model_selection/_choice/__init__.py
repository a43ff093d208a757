"""Which candidate of a search is chosen, and what the search says of it."""
