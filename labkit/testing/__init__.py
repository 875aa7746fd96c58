"""For authors of drivers: transcripts and conformance."""
