"""Thermal chambers."""
