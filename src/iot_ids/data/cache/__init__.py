"""Prepared tables and file hashes, kept between runs."""
