"""What several pages share: runs, pages, figures, shifts, rows, time."""
