"""Topics of production that appear, grow, shrink or disappear."""
