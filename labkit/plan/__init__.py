"""What to do: plan files, axes, compiled plans, estimates."""
