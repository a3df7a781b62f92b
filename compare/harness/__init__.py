"""The driver: prepares, measures and reports. Standard library and NumPy only."""
