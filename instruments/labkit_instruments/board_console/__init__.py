"""Board consoles."""
