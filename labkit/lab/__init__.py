"""The lab around the bench: the lab folder, and what this computer needs to be a station."""
