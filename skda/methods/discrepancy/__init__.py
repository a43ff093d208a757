"""Methods that bring a distance of the two samples down, one module each."""
