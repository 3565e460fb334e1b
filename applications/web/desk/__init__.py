"""管理端: queues by role, and everything of a case on one page."""
