"""Run data in, tables out: shmoo matrices."""
