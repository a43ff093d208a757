"""Code of several pages: runs, pages, figures, shifts, rows, time."""
