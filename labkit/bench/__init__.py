"""What is on the table: board and bench files, wiring, opening, safe state."""
