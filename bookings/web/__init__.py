"""The pages with which students and instructors use the product: views that only translate."""
