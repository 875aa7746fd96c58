"""The drivers and twins that ship with labkit."""
