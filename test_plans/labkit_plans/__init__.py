"""The plans, benches and boards that ship with labkit."""
