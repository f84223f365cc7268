"""YAML text to a validated, frozen experiment."""
