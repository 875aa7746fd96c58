"""labkit: bring up and characterize hardware, on the bench and in simulation."""
