"""The experiment: its YAML schema, reading it, its problems and judges, and the plan of what a run will do."""
