"""Statistics for searches and analysis."""
