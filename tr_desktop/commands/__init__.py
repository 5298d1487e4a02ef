"""The `tr-desktop` command: one module a group of commands; `main` has the list."""
