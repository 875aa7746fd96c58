"""Clock sources."""
