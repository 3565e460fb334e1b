"""The casework's part of the API."""
