"""The rule language: YAML with positions, merge fields, and what a rule makes of an event. Pure."""
