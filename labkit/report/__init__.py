"""What people look at: the HTML report, the shmoo in the terminal."""
