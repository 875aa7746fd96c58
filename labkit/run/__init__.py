"""Performing a plan: engine, session, records."""
