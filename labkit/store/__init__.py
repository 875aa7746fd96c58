"""The run folder: journal, Parquet, loading, export."""
