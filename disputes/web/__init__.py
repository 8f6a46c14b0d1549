"""Pages about a lesson that went wrong."""
