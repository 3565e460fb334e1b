"""The demonstration: people, companies and a year of history, and the main job driven through pages and API."""
