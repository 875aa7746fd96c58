"""Bench supplies."""
