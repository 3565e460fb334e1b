"""Pages for everybody, without signing in."""
