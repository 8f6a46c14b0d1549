"""The calendar's endpoints: views that only translate."""
